import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Stop } from "./fleet-history.ts";

const stoppedSchema = z.object({
  stop: z.object({ version: z.number(), state: z.enum(["pending", "fenced", "drained"]) }),
});

const RETRY_AFTER_MS = 50;
/** For how long a stop stays before it is taken back: several times the pause of an agent. */
const HELD_MS = 100;

export interface OperatorOptions {
  /** Addresses to send the next request to; one is taken at random. */
  readonly urls: () => readonly string[];
  readonly orgKey: string;
  /** The devices that this operator alone stops. */
  readonly deviceIds: readonly string[];
  readonly wait: "fenced" | "drained";
  /** A fault to be found: takes every stop for fenced as soon as it is made. */
  readonly isHasty?: boolean;
}

/** Stops some of its devices, waits until that is known to have worked, restores them, and so on. */
export class Operator {
  readonly stops: Stop[] = [];
  readonly #options: OperatorOptions;
  readonly #ended = new AbortController();
  readonly #work: Promise<void>;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#work = this.#run();
  }

  /** Stops that were answered, of a state. */
  count(state: Stop["state"]): number {
    return this.stops.filter((stop) => stop.state === state).length;
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#ended.signal.aborted; turn += 1) {
      const deviceIds = this.#some(turn);
      const stop = await this.#untilAnswered(() => this.#stop(deviceIds));
      if (stop === undefined) return;
      await delay(HELD_MS);
      this.stops.push({ ...stop, deviceIds, restoredAt: process.hrtime.bigint() });
      // With its version, so that a restore which was long under way undoes no later stop.
      const restore = { deviceIds, if_version: stop.version };
      await this.#untilAnswered(() => this.#ask("unrevoke_batch", restore));
    }
  }

  async #untilAnswered<Answer>(
    ask: () => Promise<Answer | undefined>,
  ): Promise<Answer | undefined> {
    while (!this.#ended.signal.aborted) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await delay(RETRY_AFTER_MS);
    }
    return undefined;
  }

  /** One device, or a handful. */
  #some(turn: number): string[] {
    const { deviceIds } = this.#options;
    const size = turn % 3 === 0 ? 5 : 1;
    return Array.from(
      { length: size },
      (_, place) => deviceIds[(turn * 7 + place) % deviceIds.length] ?? "",
    );
  }

  async #stop(deviceIds: string[]): Promise<Omit<Stop, "deviceIds" | "restoredAt"> | undefined> {
    const { wait, isHasty = false } = this.#options;
    const asked = { deviceIds, wait: isHasty ? "none" : wait, timeout_ms: 3_000 };
    const answer = await this.#ask("revoke_batch", asked);
    const answeredAt = process.hrtime.bigint();
    const parsed = stoppedSchema.safeParse(answer);
    if (!parsed.success) return undefined;
    const { version, state } = parsed.data.stop;
    return { version, state: isHasty ? "fenced" : state, answeredAt };
  }

  /** @returns undefined when there was no answer, or none that says so */
  async #ask(operation: string, body: object): Promise<unknown> {
    const urls = this.#options.urls();
    const url = urls[Math.floor(Math.random() * urls.length)] ?? "http://127.0.0.1:9";
    try {
      const answer = await fetch(`${url}/api/v1/devices/${operation}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-org-key": this.#options.orgKey },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
      return answer.ok ? await answer.json() : undefined;
    } catch {
      return undefined;
    }
  }
}
