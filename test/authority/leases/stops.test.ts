import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";

interface Progress {
  readonly version: number;
  readonly state: string;
  readonly holders: number;
  readonly fenced: number;
  readonly drained: number;
}
interface Stop {
  readonly stop: Progress;
  readonly holders: readonly {
    readonly kind: string;
    readonly session?: string;
    readonly state: string;
    readonly devices: readonly string[];
    readonly running?: readonly object[];
  }[];
}

describe("a stop that is waited for", () => {
  let authority: TestAuthority;
  let monotonicMs: number;

  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const stopOf = (answer: Answer): Progress => answer.body["stop"] as Progress;
  const read = async (version: number): Promise<Stop> => {
    const { body } = await call(authority, "GET", `/api/v1/stops/${version}`);
    return body as unknown as Stop;
  };
  const hold = (devices: readonly string[], options?: { session: string }): Promise<LeaseClient> =>
    LeaseClient.holding(authority.url, authority.ownerKey, devices, options);

  beforeEach(async () => {
    monotonicMs = 1_000_000;
    authority = await startTestAuthority({ monotonicMs: () => monotonicMs });
    for (const deviceId of ["a", "b", "c"]) await post("devices/register", { deviceId });
  });
  afterEach(() => authority.close());

  it("is fenced at once where nobody holds anything", async () => {
    const stop = stopOf(await post("devices/revoke", { deviceId: "a", wait: "drained" }));
    expect(stop).toMatchObject({ state: "drained", holders: 0, fenced: 0, drained: 0 });
  });

  it("is fenced when its holder says so, and drained when it says that", async () => {
    await using holder = await hold(["a"]);
    const fenced = post("devices/revoke", { deviceId: "a", wait: "fenced" });
    const { version, devices, code } = await holder.next("stop");
    expect([devices, code]).toEqual([["a"], "DEVICE_REVOKED"]);
    expect((await read(version)).stop).toMatchObject({ state: "pending", holders: 1, fenced: 0 });
    holder.ack(version, ["a"], "fenced");
    expect(stopOf(await fenced)).toMatchObject({ version, state: "fenced", fenced: 1, drained: 0 });
    const drained = post("devices/revoke", { deviceId: "a", wait: "drained" });
    holder.ack(version, ["a"], "drained");
    expect(stopOf(await drained)).toMatchObject({ version, state: "drained", drained: 1 });
  });

  it("is fenced, and nothing else, by who names what goes on, or says what nobody knows", async () => {
    await using holder = await hold(["a"]);
    const { version } = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    await holder.next("stop");
    const ack = (state: "fenced" | "drained", more: object): void =>
      holder.send({ type: "ack", version, devices: ["a"], state, ...more });
    ack("fenced", { running: [{ kind: "tool", name: "transfer", since: 1 }, { kind: "new" }] });
    ack("fenced", { unheard_of: { of: true } });
    await holder.renew();
    const fenced = await read(version);
    expect(fenced.stop).toMatchObject({ state: "fenced", fenced: 1, drained: 0 });
    expect(fenced.holders[0]?.running).toEqual([
      { kind: "tool", name: "transfer", device: "a" },
      { kind: "new", device: "a" },
    ]);
    ack("drained", { running: [{ kind: "tool" }] });
    await holder.renew();
    const drained = await read(version);
    expect(drained.stop.state).toBe("drained");
    expect(drained.holders[0]).not.toHaveProperty("running");
  });

  it("keeps the first of what goes on, and of each the beginning of its name", async () => {
    await using holder = await hold(["a"]);
    const { version } = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    const { devices } = await holder.next("stop");
    const name = "x".repeat(300);
    const running = Array.from({ length: 100 }, () => ({ kind: name, name }));
    holder.send({ type: "ack", version, devices, state: "fenced", running });
    await holder.renew();
    const kept = { kind: "x".repeat(100), name: "x".repeat(100), device: "a" };
    const [first] = (await read(version)).holders;
    expect(first?.running).toEqual(Array.from({ length: 4 }, () => kept));
  });

  it("is not held up by who watches and holds nothing", async () => {
    await using watcher = await LeaseClient.open(authority.url, authority.ownerKey);
    watcher.hello(["a"]);
    await watcher.check(["b"]);
    await using holder = await hold(["a"]);
    const fenced = post("devices/revoke", { deviceId: "a", wait: "fenced" });
    const { version } = await holder.next("stop");
    holder.ack(version, ["a"], "drained");
    expect(stopOf(await fenced)).toMatchObject({ state: "fenced", holders: 2, drained: 1 });
  });

  it("is pending when it was waited for too short", async () => {
    await using holder = await hold(["a"]);
    const asked = await post("devices/revoke", { deviceId: "a", wait: "fenced", timeout_ms: 300 });
    expect(stopOf(asked)).toMatchObject({ state: "pending", holders: 1, fenced: 0 });
    expect(holder.closed).toBeUndefined();
  });

  it("is fenced by time for a holder that is lost, and never drained", async () => {
    const holder = await hold(["a"]);
    holder.socket.terminate();
    const none = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    monotonicMs += 10_099;
    expect((await read(none.version)).stop.state).toBe("pending");
    monotonicMs += 2;
    const { stop, holders } = await read(none.version);
    expect(stop).toMatchObject({ state: "fenced", holders: 1, drained: 0 });
    expect(holders).toMatchObject([{ session: holder.session, state: "lost", devices: ["a"] }]);
  });

  it("lists who is connected and has not said so in time as overdue", async () => {
    await using holder = await hold(["a"]);
    const { version } = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    monotonicMs += 10_101;
    expect((await read(version)).holders).toMatchObject([
      { session: holder.session, state: "overdue" },
    ]);
  });

  it("takes an acknowledgement for the devices that it names alone", async () => {
    await using holder = await hold(["a", "b"]);
    const revoked = await post("devices/revoke_batch", { deviceIds: ["a", "b"], wait: "none" });
    const { version } = stopOf(revoked);
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    await holder.renew();
    expect((await read(version)).stop.state).toBe("pending");
    holder.ack(version, ["b"], "fenced");
    await holder.renew();
    expect((await read(version)).stop.state).toBe("fenced");
  });

  it("takes an acknowledgement for every stop up to its version", async () => {
    await using holder = await hold(["a", "b"]);
    const first = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    const second = stopOf(await post("devices/revoke", { deviceId: "b", wait: "none" }));
    holder.ack(second.version, ["a", "b"], "drained");
    await holder.renew();
    expect((await read(first.version)).stop.state).toBe("drained");
    expect((await read(second.version)).stop.state).toBe("drained");
  });

  it("stays drained for a device that a later acknowledgement names, too", async () => {
    await using holder = await hold(["a", "b"]);
    const revoked = await post("devices/revoke_batch", { deviceIds: ["a", "b"], wait: "none" });
    const { version } = stopOf(revoked);
    await holder.next("stop");
    holder.ack(version, ["a"], "drained");
    holder.ack(version, ["a", "b"], "fenced");
    holder.ack(version, ["b"], "drained");
    await holder.renew();
    expect((await read(version)).stop.state).toBe("drained");
  });

  it("takes an acknowledgement for leases of its own session alone", async () => {
    await using one = await hold(["a"]);
    await using other = await hold(["a"]);
    const { version } = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    await one.next("stop");
    one.ack(version, ["a"], "fenced");
    one.ack(version, ["a"], "drained");
    await one.renew();
    expect((await read(version)).stop).toMatchObject({ state: "pending", holders: 2, fenced: 1 });
    other.ack(version, ["a"], "fenced");
    await other.renew();
    expect((await read(version)).stop.state).toBe("fenced");
  });

  it("is not answered at once when the device was stopped before", async () => {
    const holder = await hold(["a"]);
    holder.socket.terminate();
    const first = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    const again = await post("devices/revoke", { deviceId: "a", wait: "fenced", timeout_ms: 20 });
    expect(stopOf(again)).toMatchObject({ version: first.version, state: "pending" });
  });

  it("waits for strict allows that were given just before", async () => {
    await post("devices/validate", { deviceId: "a" });
    const { version } = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    monotonicMs += 2_019;
    expect((await read(version)).stop.state).toBe("pending");
    monotonicMs += 2;
    const { stop, holders } = await read(version);
    expect(stop.state).toBe("fenced");
    expect(holders).toMatchObject([{ kind: "strict", devices: ["a"], state: "fenced" }]);
  });

  it("a late acknowledgement says nothing of leases that were given since", async () => {
    await using holder = await hold(["a"]);
    const first = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    await post("devices/unrevoke", { deviceId: "a" });
    await holder.renew();
    holder.ack(first.version, ["a"], "drained");
    // Answered after the acknowledgement was taken, and grants nothing of the device.
    await holder.check(["b"]);
    const second = stopOf(await post("devices/revoke", { deviceId: "a", wait: "none" }));
    expect((await read(second.version)).stop).toMatchObject({ state: "pending", holders: 1 });
  });

  it("stops a whole org, each session by its own devices", async () => {
    await using one = await hold(["a", "b"]);
    await using other = await hold(["c"]);
    const stopped = post("org/stop", { wait: "drained" });
    for (const [holder, devices] of [
      [one, ["a", "b"]],
      [other, ["c"]],
    ] as const) {
      const stop = await holder.next("stop");
      expect(stop).toMatchObject({ devices, code: "ORG_DISABLED" });
      holder.ack(stop.version, devices, "drained");
    }
    expect(stopOf(await stopped)).toMatchObject({ state: "drained", holders: 2, drained: 2 });
  });
});
