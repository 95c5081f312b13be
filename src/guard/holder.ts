import { WeakCache } from "../client/index.ts";
import { HeldDevice, RequestNumbers } from "./held-device.ts";
import type { GuardClient } from "./strict-source.ts";

/** What one process holds under one key of one authority. */
export class Holder {
  readonly numbers = new RequestNumbers();
  readonly #devices = new WeakCache<HeldDevice>();

  /** A device; the same object for as long as anybody has it. */
  device(deviceId: string): HeldDevice {
    return this.#devices.get(deviceId, () => new HeldDevice(deviceId, this.numbers));
  }
}

const holders = new WeakMap<object, Holder>();

/** The holder for a client, shared with every client that has the same account. */
export function holderOf(client: GuardClient): Holder {
  const account = client.account ?? client;
  let holder = holders.get(account);
  if (holder === undefined) holders.set(account, (holder = new Holder()));
  return holder;
}
