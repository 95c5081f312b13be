import type { Boundary, Run } from "../../index.ts";
import type { ProcessTree } from "../process-tree/process-tree.ts";
import type { SignalReceiver } from "./signals.ts";

export interface OverseerOptions {
  readonly tree: ProcessTree;
  readonly run: Run;
  readonly boundary: Boundary;
  /** Asks the authority itself, whatever lease is held; what it rejects with is heard by the guard, too. */
  readonly askAnew: () => Promise<unknown>;
  /** How often the run is asked about again, in milliseconds; under a lease that costs nothing. */
  readonly recheckMs: number;
}

/**
 * Looks after a program that runs: asks about it again and again, and lets it
 * stand still while it is not known whether it may go on. What is refused ends
 * the run, and so aborts its signal.
 */
export class Overseer implements SignalReceiver {
  readonly #options: OverseerOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHolding = false;
  #isToStop = false;
  #isInDoubt = false;
  #isOver = false;

  constructor(options: OverseerOptions) {
    this.#options = options;
    this.#recheckLater();
  }

  signal(name: NodeJS.Signals): void {
    // What stands still goes on with an answer alone, and what is being ended with SIGTERM.
    if (name === "SIGCONT" && (this.#isHolding || this.#isStopped)) return;
    this.#options.tree.signal(name);
  }

  /**
   * Ctrl-Z: this process stops together with the program. When it is continued,
   * time has passed, and the program goes on only if it may. SIGTSTP would have
   * no effect on a program in a session of its own.
   */
  suspend(): void {
    this.#isToStop = true;
    void this.#hold();
  }

  /** Out of lease: the program stands still until there is an answer. */
  doubt(): void {
    this.#isInDoubt = true;
    void this.#hold();
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #hold(): Promise<void> {
    // A refusal that is being latched just now needs no holding.
    await Promise.resolve();
    if (this.#isHolding || this.#isStopped) return;
    this.#isHolding = true;
    // Either may come again at any time, while it is being asked or the program is let go.
    while ((this.#isToStop || this.#isInDoubt) && !this.#isStopped) await this.#holdOnce();
    this.#isHolding = false;
  }

  async #holdOnce(): Promise<void> {
    const { tree } = this.#options;
    await tree.signalAll("SIGSTOP");
    this.#isInDoubt = false;
    if (this.#isToStop) await this.#stopSelf();
    await this.#check();
    const isToGoOn = !this.#isToStop && !this.#isInDoubt && !this.#isStopped;
    if (isToGoOn) await tree.signalAll("SIGCONT");
  }

  async #stopSelf(): Promise<void> {
    this.#isToStop = false;
    process.kill(process.pid, "SIGSTOP");
    // A stop of meanwhile may not have been read yet, and the lease be good still.
    await this.#options.askAnew().catch(() => undefined);
  }

  get #isStopped(): boolean {
    return this.#isOver || this.#options.run.signal.aborted;
  }

  #recheckLater(): void {
    this.#timer = setTimeout(() => void this.#recheck(), this.#options.recheckMs);
  }

  async #recheck(): Promise<void> {
    await this.#check();
    if (!this.#isStopped) this.#recheckLater();
  }

  /** A refusal needs no telling here: it has aborted the run's signal. */
  async #check(): Promise<void> {
    const { run, boundary } = this.#options;
    try {
      await run.check(boundary);
    } catch {
      this.close();
    }
  }
}
