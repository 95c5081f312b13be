import type { RunningBodyNews } from "../../wire/index.ts";
import type { HeldSession } from "./held-session.ts";
import { RunningBodies } from "./running-bodies.ts";

/** What a session said of a device that was stopped. */
export type StopHeard = "none" | "fenced" | "drained";

/** What a session says of some of its devices. */
export interface Acknowledged {
  readonly deviceIds: readonly string[];
  readonly state: "fenced" | "drained";
  readonly running?: readonly RunningBodyNews[] | undefined;
}

/**
 * One session that a stop concerns. A stop of thousands makes as many at once, and
 * keeps them: with one device, as almost all have, it is a single small object.
 */
export class StopHolder {
  readonly session: HeldSession;
  /** When its older allows are over by themselves, by the monotonic clock; 0 when it has none. */
  readonly until: number;
  /** In milliseconds since the epoch. */
  fencedAt: number | undefined;
  drainedAt: number | undefined;
  /** What the session said that goes on, of devices that are not drained. */
  running: RunningBodies | undefined;
  readonly #first: string;
  #ofFirst: StopHeard = "none";
  readonly #ofOthers: Map<string, StopHeard> | undefined;

  private constructor(
    session: HeldSession,
    until: number,
    first: string,
    others: readonly string[],
  ) {
    this.session = session;
    this.until = until;
    this.#first = first;
    if (others.length > 0) this.#ofOthers = new Map(others.map((deviceId) => [deviceId, "none"]));
  }

  /**
   * What a stop has of a session, if it concerns it: it was given older allows, or it
   * is connected or was lost, and may run something.
   *
   * @param deviceIds what was stopped; undefined: all of the org
   */
  static of(
    session: HeldSession,
    deviceIds: ReadonlySet<string> | undefined,
    version: number,
    now: number,
  ): StopHolder | undefined {
    const named = session.stopped(deviceIds, version, now);
    const [first, ...others] = named;
    if (first === undefined) return undefined;
    const endOf = (deviceId: string): number => session.endOf(deviceId, version, now) ?? 0;
    const until = named.reduce((latest, deviceId) => Math.max(latest, endOf(deviceId)), 0);
    return new StopHolder(session, until, first, others);
  }

  /** Devices of the stop, and what was heard of each. */
  *devices(): Generator<readonly [deviceId: string, heard: StopHeard], void> {
    yield [this.#first, this.#ofFirst];
    if (this.#ofOthers !== undefined) yield* this.#ofOthers;
  }

  /** It counts for the devices that it names alone, and drained is drained. */
  acknowledge({ deviceIds, state, running }: Acknowledged, at: number): void {
    for (const deviceId of deviceIds) {
      const heard = deviceId === this.#first ? this.#ofFirst : this.#ofOthers?.get(deviceId);
      if (heard === undefined || heard === "drained") continue;
      if (deviceId === this.#first) this.#ofFirst = state;
      else this.#ofOthers?.set(deviceId, state);
      if (state === "drained") this.running?.say(deviceId, []);
      else if (running !== undefined) (this.running ??= new RunningBodies()).say(deviceId, running);
    }
    if (this.#isAll((heard) => heard !== "none")) this.fencedAt ??= at;
    if (this.#isAll((heard) => heard === "drained")) this.drainedAt ??= at;
  }

  #isAll(is: (heard: StopHeard) => boolean): boolean {
    if (!is(this.#ofFirst)) return false;
    for (const heard of this.#ofOthers?.values() ?? []) if (!is(heard)) return false;
    return true;
  }

  isFenced(now: number): boolean {
    return this.fencedAt !== undefined || now >= this.until;
  }
}
