import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore } from "../../../src/authority/index.ts";
import type { LeaseStore, Store } from "../../../src/authority/index.ts";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { TestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";

/** A real store whose answers to decisions can be held back after they were read. */
class SlowStore {
  readonly store: Store;
  reads = 0;
  isAway = false;
  #gate: Promise<void> | undefined;
  #read = Promise.withResolvers<void>();

  constructor(real: Store) {
    const hold = async <Result>(read: Promise<Result>): Promise<Result> => {
      const gate = this.#gate;
      this.reads += 1;
      const result = await read;
      this.#read.resolve();
      await gate;
      if (this.isAway) throw new Error("the store is away");
      return result;
    };
    const { leases } = real;
    if (leases === undefined) throw new Error("no leases");
    const slow: LeaseStore = bound(leases, {
      decideAll: (...asked) => hold(leases.decideAll(...asked)),
    });
    this.store = bound(real, {
      leases: slow,
      validate: (...asked) => hold(real.validate(...asked)),
    });
  }

  /** Holds back what is read from now on, until the function it returns is called. */
  hold(): { readonly read: Promise<void>; readonly release: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#read = Promise.withResolvers<void>();
    const release = (): void => {
      this.#gate = undefined;
      resolve();
    };
    return { read: this.#read.promise, release };
  }
}

/** An object with some of its members in the place of another's. */
function bound<Whole extends object>(whole: Whole, instead: Partial<Whole>): Whole {
  return new Proxy(whole, {
    get(target, name) {
      const given: unknown = Reflect.get(instead, name);
      if (given !== undefined) return given;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

describe("a read that was under way when a stop was committed", () => {
  let authority: TestAuthority;
  let slow: SlowStore;
  let laterMs = 0;

  const post = (path: string, body: unknown) => call(authority, "POST", `/api/v1/${path}`, body);
  const revoke = () => post("devices/revoke", { deviceId: "a", wait: "fenced" });

  beforeEach(async () => {
    slow = new SlowStore(await sqliteStore(":memory:"));
    const monotonicMs = (): number => performance.now() + laterMs;
    authority = await startTestAuthority({ store: slow.store, monotonicMs });
    await post("devices/register", { deviceId: "a" });
  });
  afterEach(() => authority.close());

  it("grants no lease after the stop is fenced", async () => {
    await using client = await LeaseClient.open(authority.url, authority.ownerKey);
    client.hello(["a"]);
    const { read, release } = slow.hold();
    const granted = client.renew();
    await read;
    const fenced = revoke();
    const stop = await client.next("stop");
    client.ack(stop.version, ["a"], "drained");
    expect((await fenced).body["stop"]).toMatchObject({ state: "drained" });
    release();
    expect(await granted).toMatchObject({ n: 1, decisions: { a: { allowed: false } } });
  });

  it("is no strict decision over the channel any more", async () => {
    await using client = await LeaseClient.open(authority.url, authority.ownerKey);
    client.hello(["b"]);
    const { read, release } = slow.hold();
    const decided = client.check(["a"]);
    await read;
    expect((await revoke()).body["stop"]).toMatchObject({ state: "drained" });
    release();
    expect(await decided).toMatchObject({ decisions: { a: { allowed: false } } });
  });

  it("is no strict allow over HTTP any more", async () => {
    const { read, release } = slow.hold();
    const decided = post("devices/validate", { deviceId: "a" });
    await read;
    expect((await revoke()).body["stop"]).toMatchObject({ state: "drained" });
    release();
    expect((await decided).body).toMatchObject({ allowed: false, code: "DEVICE_REVOKED" });
  });

  it("serves no renewal that arrived after it began", async () => {
    await using client = await LeaseClient.open(authority.url, authority.ownerKey);
    client.hello(["a"]);
    const { read, release } = slow.hold();
    const first = client.renew();
    await read;
    const second = client.renew();
    const third = client.renew();
    third.catch(() => undefined);
    client.send({ type: "watch", devices: ["b"] });
    await post("devices/register", { deviceId: "b" });
    expect(slow.reads).toBe(1);
    release();
    await first;
    // One read is enough for all that came meanwhile, and it begins after them.
    expect((await third).version).toBeGreaterThan((await first).version);
    expect(slow.reads).toBe(2);
    second.catch(() => undefined);
  });

  it("and a store that is away, grant nothing", async () => {
    await using client = await LeaseClient.open(authority.url, authority.ownerKey);
    client.hello(["a"]);
    await client.renew();
    slow.isAway = true;
    client.send({ type: "renew", n: 2 });
    client.send({ type: "check", n: 3, devices: ["a"] });
    await expect.poll(() => slow.reads).toBe(3);
    slow.isAway = false;
    client.n = 3;
    await client.renew();
    expect(client.received.map((answer) => Reflect.get(answer, "n"))).toEqual([1, 4]);
  });

  it("for longer than floors are kept decides nothing, and is made again", async () => {
    await using client = await LeaseClient.open(authority.url, authority.ownerKey);
    client.hello(["a"]);
    const { read, release } = slow.hold();
    const granted = client.renew();
    await read;
    laterMs += 60_001;
    release();
    await granted;
    expect(slow.reads).toBe(2);
  });
});
