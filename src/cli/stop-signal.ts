const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export interface StopSignalOptions {
  /** The end of stdin counts as a signal, too. @default false */
  readonly withStdin?: boolean;
  /** What SIGHUP does instead. @default it counts as a signal to stop */
  readonly onHangup?: (() => void) | undefined;
}

/**
 * Tells when the process is to stop. The first signal aborts what is returned,
 * and the work is to end; another one ends the process at once.
 */
export function stopSignal({ withStdin = false, onHangup }: StopSignalOptions = {}): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (name === "SIGHUP" && onHangup !== undefined) {
        onHangup();
        return;
      }
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  if (withStdin) {
    const stop = (): void => controller.abort(new Error("stdin has ended"));
    process.stdin.on("end", stop).on("error", stop).resume();
  }
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
