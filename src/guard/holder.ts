import { WeakCache } from "../client/index.ts";
import { readDecision } from "../wire/index.ts";
import type { Timekeeper } from "./clock.ts";
import { HeldDevice, RequestNumbers } from "./held-device.ts";
import { Latch } from "./latch.ts";
import type { GuardClient } from "./strict-source.ts";

/** A run of a device that nobody else has, to try a stop on. */
export interface Canary {
  readonly device: HeldDevice;
  readonly latch: Latch;
}

/** What one process holds under one key of one authority. */
export class Holder {
  readonly time: Timekeeper;
  readonly numbers = new RequestNumbers();
  /** For what is loaded later, which would need it in a file of its own if it imported it. */
  readonly readDecision = readDecision;
  readonly #devices = new WeakCache<HeldDevice>();

  constructor(time: Timekeeper) {
    this.time = time;
  }

  /** A device; the same object for as long as anybody has it. */
  device(deviceId: string): HeldDevice {
    return this.#devices.get(deviceId, () => new HeldDevice(deviceId, this.numbers));
  }

  /** Free of everything that is held. */
  readonly canary = (): Canary => {
    const device = new HeldDevice("self-check", new RequestNumbers());
    return { device, latch: new Latch(device, () => undefined) };
  };
}

const holders = new WeakMap<object, Map<Timekeeper, Holder>>();

/**
 * The holder for a client, shared with every client that has the same account.
 * Instants of different clocks say nothing to each other, so each clock has its own.
 */
export function holderOf(client: GuardClient, time: Timekeeper): Holder {
  const account = client.account ?? client;
  const byTime = holders.get(account) ?? new Map<Timekeeper, Holder>();
  holders.set(account, byTime);
  const holder = byTime.get(time) ?? new Holder(time);
  byTime.set(time, holder);
  return holder;
}
