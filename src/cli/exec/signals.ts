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

/** Passes this process's signals to a program that has a session of its own. */
export class SignalRelay {
  readonly #onEarly: (name: NodeJS.Signals) => void;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #receiver: SignalReceiver | undefined;

  /** @param onEarly told of a signal that should end the program when there is none yet */
  constructor(onEarly: (name: NodeJS.Signals) => void) {
    this.#onEarly = onEarly;
    for (const name of PASSED) this.#listen(name, () => this.#pass(name));
    this.#listen("SIGTSTP", () => this.#receiver?.suspend());
  }

  /** From now on signals are the program's. */
  attach(receiver: SignalReceiver): void {
    this.#receiver = receiver;
  }

  close(): void {
    for (const [name, listener] of this.#listeners) process.removeListener(name, listener);
  }

  #listen(name: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(name, listener);
    process.on(name, listener);
  }

  #pass(name: NodeJS.Signals): void {
    if (this.#receiver !== undefined) this.#receiver.signal(name);
    else if (ENDING.has(name)) this.#onEarly(name);
  }
}
