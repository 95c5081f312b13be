/** What a terminal or a person may send to a program, and which therefore reaches it. */
const PASSED = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGCONT",
] as const satisfies readonly NodeJS.Signals[];

/** Those that end a program that does not care for them. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);

export interface SignalReceiver {
  signal(name: NodeJS.Signals): void;
  /** Ctrl-Z. */
  suspend(): void;
}

/**
 * Passes this process's signals to a program that has a session of its own. What
 * is heard while the program is being started is kept for it: it may be there, and
 * have spoken, before this process knows.
 */
export class SignalRelay {
  readonly #onEarly: (name: NodeJS.Signals) => void;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #kept: ((receiver: SignalReceiver) => void)[] | undefined;
  #receiver: SignalReceiver | undefined;

  /** @param onEarly told of a signal that should end the program when there is none yet */
  constructor(onEarly: (name: NodeJS.Signals) => void) {
    this.#onEarly = onEarly;
    for (const name of PASSED) {
      this.#listen(name, () => {
        this.#pass(
          (receiver) => receiver.signal(name),
          () => ENDING.has(name) && this.#onEarly(name),
        );
      });
    }
    this.#listen("SIGTSTP", () => {
      this.#pass(
        (receiver) => receiver.suspend(),
        () => process.kill(process.pid, "SIGSTOP"),
      );
    });
  }

  /** From now on there may be a program, and signals are its own. */
  expect(): void {
    this.#kept = [];
  }

  /** Hands the program's signals over, those that were kept first. */
  attach(receiver: SignalReceiver): void {
    this.#receiver = receiver;
    for (const deliver of this.#kept ?? []) deliver(receiver);
    this.#kept = undefined;
  }

  close(): void {
    for (const [name, listener] of this.#listeners) process.removeListener(name, listener);
  }

  #listen(name: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(name, listener);
    process.on(name, listener);
  }

  #pass(deliver: (receiver: SignalReceiver) => void, early: () => void): void {
    if (this.#receiver !== undefined) deliver(this.#receiver);
    else if (this.#kept !== undefined) this.#kept.push(deliver);
    else early();
  }
}
