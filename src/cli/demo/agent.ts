import { setTimeout as delay } from "node:timers/promises";
import { createGuard, findExecutionStopped, MachineID } from "../../index.ts";
import type { CheckEvent, ExecutionStoppedError, GuardEvent } from "../../index.ts";
import type { AuthorityProcess } from "./authority-process.ts";
import type { Perform, Performer } from "./performer.ts";
import type { SideEffectFile } from "./side-effects.ts";

/** Time between two steps of an agent, in milliseconds. */
const STEP_MS = 250;
/** Long enough for a machine that is busy with other things. */
const CHECK_TIMEOUT_MS = 10_000;

export interface AgentOptions {
  readonly title: string;
  readonly deviceId: string;
  readonly performer: Performer;
  readonly authority: AuthorityProcess;
  readonly effects: SideEffectFile;
  readonly signal: AbortSignal;
  readonly onEvent: (agent: DemoAgent, event: GuardEvent) => void;
  /** Called after each step. */
  readonly onStep: () => void;
}

/** How a run ended: its work was done, or the guard stopped it. */
export type RunEnd = "finished" | ExecutionStoppedError;

/** One agent of the demo: its own device, its own guard. */
export class DemoAgent {
  readonly title: string;
  readonly deviceId: string;
  readonly #options: AgentOptions;
  readonly #perform: Perform;
  #isToGoOn = true;
  /** When the check began whose allow is not used yet. */
  #checkedAtMs: number | undefined;
  #steps = 0;

  constructor(options: AgentOptions) {
    const { title, deviceId, performer, authority, onEvent } = options;
    this.title = title;
    this.deviceId = deviceId;
    this.#options = options;
    const client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
    const guard = createGuard(client, {
      deviceId,
      checkTimeoutMs: CHECK_TIMEOUT_MS,
      onEvent: (event) => {
        if (event.type === "check" && isAllowedStep(event)) this.#checkedAtMs = event.startedAtMs;
        onEvent(this, event);
      },
    });
    this.#perform = performer(guard);
  }

  /** Steps taken so far, in all runs. */
  get steps(): number {
    return this.#steps;
  }

  /** Begins a new run, which takes steps until {@link DemoAgent.finish}, or as many as are given. */
  async run(steps = Number.POSITIVE_INFINITY): Promise<RunEnd> {
    const { effects, signal, onStep } = this.#options;
    const until = this.#steps + steps;
    try {
      await this.#perform({
        hasMore: () => this.#isToGoOn && this.#steps < until,
        act: async () => {
          // One allow is good for one step; a step without one counts from when it was taken.
          const checkedAtMs = this.#checkedAtMs ?? Date.now();
          this.#checkedAtMs = undefined;
          effects.append({ deviceId: this.deviceId, checkedAtMs });
          this.#steps += 1;
          onStep();
          await delay(STEP_MS, undefined, { signal });
        },
        signal,
      });
      return "finished";
    } catch (error) {
      signal.throwIfAborted();
      const stopped = findExecutionStopped(error);
      if (stopped === undefined) throw error;
      return stopped;
    }
  }

  /** Lets the run come to its own end after the step it is at. */
  finish(): void {
    this.#isToGoOn = false;
  }
}

function isAllowedStep({ outcome, boundary }: CheckEvent): boolean {
  return outcome === "allowed" && (boundary.kind === "tool" || boundary.kind === "task");
}
