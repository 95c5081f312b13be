import { randomUUID } from "node:crypto";
import { constants, setPriority } from "node:os";
import { sharedNow } from "./authority-calls.ts";
import { LeanChannel } from "./lean-channel.ts";
import { serveParent } from "./process.ts";

/*
 * Many holders of leases that cost next to nothing. Each does what a guard with nothing
 * running does, at the same moments: holds a lease, sees a stop, acknowledges it.
 */

/** What a fleet is told to do. */
export type FleetOrder =
  | {
      readonly order: "open";
      readonly port: number;
      readonly key: string;
      readonly devices: readonly string[];
    }
  /** Answered at once: whoever else runs on its core goes first, from here on. */
  | { readonly order: "yield" }
  /** Answered at once: stops are counted from here on. */
  | { readonly order: "arm" }
  /** Answered when all have been stopped since. */
  | { readonly order: "stopped" }
  /** Answered when all hold leases again: each asks when it is told of `allow`. */
  | { readonly order: "leased" };

/** What a fleet saw of a stop, by the clock that processes share, in milliseconds. */
export interface FleetStopped {
  readonly firstMs: number;
  readonly lastMs: number;
}

const TYPE_AT = '{"type":"'.length;
const STOP = "s".charCodeAt(0);
const ALLOW = "a".charCodeAt(0);
const GRANT = "g".charCodeAt(0);

class Holder {
  readonly #channel: LeanChannel;
  readonly #device: string;
  #n = 0;

  constructor(port: number, key: string, device: string) {
    this.#device = device;
    this.#channel = new LeanChannel(port, key, this);
  }

  opened(): void {
    const devices = [this.#device];
    this.#channel.send(JSON.stringify({ type: "hello", session: randomUUID(), devices }));
    this.#renew();
  }

  received(data: Buffer, from: number, to: number): void {
    const type = data[from + TYPE_AT];
    if (type === STOP) {
      stopped.one();
      const text = data.toString("latin1", from, to);
      const version = /"version":(\d+)/.exec(text)?.[1] ?? "";
      const after = Number(/"ack_after_ms":(\d+)/.exec(text)?.[1] ?? 0);
      const ack = `{"type":"ack","version":${version},"devices":["${this.#device}"],"state":"drained"}`;
      if (after === 0) this.#channel.send(ack);
      else later(sharedNow() + after, () => this.#channel.send(ack));
    } else if (type === GRANT) {
      if (data.indexOf('"ALLOW"', from) > 0) leased.one();
    } else if (type === ALLOW) this.#renew();
  }

  #renew(): void {
    this.#n += 1;
    this.#channel.send(`{"type":"renew","n":${this.#n}}`);
  }
}

/** What is to be done when, in order: all of a stop wait equally long. */
let due: { readonly atMs: number; readonly act: () => void }[] = [];
let isWaiting = false;

function later(atMs: number, act: () => void): void {
  due.push({ atMs, act });
  if (!isWaiting) wait();
}

function wait(): void {
  const [first] = due;
  isWaiting = first !== undefined;
  if (first === undefined) return;
  setTimeout(
    () => {
      const now = sharedNow();
      const left = due.findIndex(({ atMs }) => atMs > now);
      const ripe = left < 0 ? due.splice(0) : due.splice(0, left);
      for (const { act } of ripe) act();
      wait();
    },
    Math.max(0, first.atMs - sharedNow()),
  );
}

/** Counts, until each of a fleet has done something. */
class Count {
  #counted = 0;
  #firstMs = 0;
  #lastMs = 0;
  #whenAll: (() => void) | undefined;

  arm(): void {
    this.#counted = 0;
  }

  one(): void {
    this.#counted += 1;
    if (this.#counted === 1) this.#firstMs = sharedNow();
    if (this.#counted !== fleet.length) return;
    this.#lastMs = sharedNow();
    this.#whenAll?.();
  }

  async all(): Promise<FleetStopped> {
    while (this.#counted < fleet.length) {
      await new Promise<void>((resolve) => {
        this.#whenAll = resolve;
      });
    }
    return { firstMs: this.#firstMs, lastMs: this.#lastMs };
  }
}

let fleet: Holder[] = [];
const stopped = new Count();
const leased = new Count();

const OPENED_AT_ONCE = 100;

async function open({ port, key, devices }: Extract<FleetOrder, { order: "open" }>): Promise<void> {
  for (let from = 0; from < devices.length; from += OPENED_AT_ONCE) {
    leased.arm();
    const some = devices.slice(from, from + OPENED_AT_ONCE);
    fleet = some.map((device) => new Holder(port, key, device));
    all.push(...fleet);
    await leased.all();
  }
  fleet = all;
}

const all: Holder[] = [];

await serveParent(async (message: FleetOrder) => {
  if (message.order === "open") await open(message);
  if (message.order === "yield") setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  if (message.order === "arm") {
    stopped.arm();
    leased.arm();
  }
  if (message.order === "stopped") return stopped.all();
  if (message.order === "leased") await leased.all();
  return {};
});
process.exit(0);
