import type { LeaseRequest } from "../../wire/index.ts";
import { MAX_RUNNING_NAMED, MAX_RUNNING_NAME_LENGTH } from "../../wire/lease-limits.ts";
import { inBatches } from "./batches.ts";
import type { Timekeeper } from "../clock.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { Denied, RunningBody } from "../held-device.ts";
import type { LeasedDevice } from "./leased-device.ts";
import type { Schedule } from "./lease-session.ts";

export interface StopsOptions {
  readonly time: Timekeeper;
  readonly schedule: Schedule;
  /** Sends, if there is a connection. */
  readonly send: (message: LeaseRequest) => void;
  /** Answers the checks of a device that wait. */
  readonly answer: (leased: LeasedDevice, sourced: SourcedVerdict) => void;
}

type Ack = Extract<LeaseRequest, { type: "ack" }>;

/** How long a body may take to heed its signal before it is named. */
const HEED_MS = 1000;

/**
 * Obeys a stop, and says so once it is true: first no check of any of its devices
 * passes; then what runs is aborted; then `fenced`; and `drained`, which says that
 * too, when what ran has settled: at once where nothing did.
 */
export class Stops {
  readonly #options: StopsOptions;
  /** What is true already, and is said later. */
  readonly #unsaid = new Set<() => void>();

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** @param ackAfterMs how long the authority wants it not to be said */
  obey(
    denied: readonly (readonly [LeasedDevice, Denied])[],
    version: number,
    ackAfterMs = 0,
  ): void {
    if (denied.length === 0) return;
    const { time, answer } = this.#options;
    const now = time.now();
    for (const [leased, verdict] of denied) leased.deny(verdict, now);
    for (const [leased, verdict] of denied) {
      answer(leased, { verdict, sentAt: now, n: Number.POSITIVE_INFINITY });
    }
    for (const [leased] of denied) leased.device.abort();
    const all = denied.map(([leased]) => leased);
    const { busy = [], idle = [] } = Object.groupBy(all, ({ undrained }) =>
      undrained.length > 0 ? "busy" : "idle",
    );
    this.#acknowledge(busy, version, "fenced", ackAfterMs);
    this.#acknowledge(idle, version, "drained", ackAfterMs);
    for (const leased of busy) this.#awaitDrained(leased, version);
  }

  /** Says at once what was to wait. */
  flush(): void {
    for (const say of this.#unsaid) say();
  }

  /** What was said on a connection that is gone may not have arrived. */
  repeat(watched: Iterable<LeasedDevice>): void {
    for (const leased of watched) {
      const { acknowledged } = leased;
      if (acknowledged === undefined) continue;
      leased.mayLack = true;
      const { version, state } = acknowledged;
      this.#acknowledge([leased], version, state);
    }
  }

  #awaitDrained(leased: LeasedDevice, version: number): void {
    const { schedule, send } = this.#options;
    const unschedule = schedule(() => {
      const bodies = leased.undrained;
      const running = bodies.slice(0, MAX_RUNNING_NAMED).map(nameOf);
      for (const listener of leased.listeners) listener.undrained(bodies);
      if (running.length > 0) send({ ...ackOf([leased], version, "fenced"), running });
    }, HEED_MS);
    leased.onceDrained(() => {
      unschedule();
      this.#acknowledge([leased], version, "drained");
    });
  }

  #acknowledge(
    devices: readonly LeasedDevice[],
    version: number,
    state: Ack["state"],
    afterMs = 0,
  ): void {
    if (devices.length === 0) return;
    for (const leased of devices) {
      const isLater = version >= (leased.acknowledged?.version ?? 0);
      if (leased.isDenied && isLater) leased.acknowledged = { version, state };
    }
    this.#say(afterMs, () => {
      for (const some of inBatches(devices)) this.#options.send(ackOf(some, version, state));
    });
  }

  #say(afterMs: number, send: () => void): void {
    if (afterMs === 0) {
      send();
      return;
    }
    const say = (): void => {
      this.#unsaid.delete(say);
      sayAtExit.delete(say);
      unschedule();
      send();
    };
    const unschedule = this.#options.schedule(say, afterMs);
    this.#unsaid.add(say);
    hookExit();
    sayAtExit.add(say);
  }
}

/** A process that ends says first what was to wait: nobody could say it later. */
const sayAtExit = new Set<() => void>();
let isExitHooked = false;

/** Where there are processes. */
function hookExit(): void {
  if (isExitHooked) return;
  isExitHooked = true;
  const process: unknown = Reflect.get(globalThis, "process");
  const once: unknown = Reflect.get(Object(process), "once");
  if (typeof once !== "function") return;
  Reflect.apply(once, process, [
    "exit",
    () => {
      for (const say of sayAtExit) say();
    },
  ]);
}

const nameOf = ({ boundary: { kind, name } }: RunningBody): { kind: string; name?: string } =>
  name === undefined ? { kind } : { kind, name: name.slice(0, MAX_RUNNING_NAME_LENGTH) };

const ackOf = (devices: readonly LeasedDevice[], version: number, state: Ack["state"]): Ack => ({
  type: "ack",
  version,
  devices: devices.map(({ deviceId }) => deviceId),
  state,
});
