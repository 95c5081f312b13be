import type { MonotonicClock } from "./clock.ts";

/** Resolves with true when a monotonic clock has come so far, or with false when the signal ends it before. */
export function waitUntil(
  end: number,
  clock: MonotonicClock,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      const leftMs = end - clock();
      if (signal.aborted || leftMs <= 0) {
        clearTimeout(timer);
        signal.removeEventListener("abort", look);
        resolve(!signal.aborted);
        return;
      }
      timer = setTimeout(look, Math.min(leftMs + 1, LOOK_MS));
      timer.unref();
    };
    signal.addEventListener("abort", look);
    look();
  });
}

/** Timers may stand still where the clock does not. */
const LOOK_MS = 1_000;
