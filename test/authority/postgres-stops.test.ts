import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { createScopedKey } from "../support/scoped-keys.ts";
import { OWNER_KEY, Replicas, WAIT_MS } from "./replicas-fixture.ts";
import type { Progress } from "./replicas-fixture.ts";

describe("a stop on replicas", () => {
  let replicas: Replicas;

  beforeEach(async () => {
    replicas = await Replicas.onDatabase();
  });
  afterEach(() => replicas[Symbol.asyncDispose]());

  it("is fenced, and drained, when the holders of all of them say so, at whichever it is asked about", async () => {
    const [one, two, three] = await replicas.startThree();
    await using left = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await using right = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    const fenced = replicas.revoke(one, "fenced");
    const { version } = await left.next("stop");
    await right.next("stop");
    left.ack(version, ["a"], "fenced");
    await left.renew();
    await replicas.stays(one, version);
    right.ack(version, ["a"], "fenced");
    expect(await fenced).toMatchObject({ version, state: "fenced", holders: 2, drained: 0 });
    await replicas.until(three, version, "fenced");
    const drained = replicas.revoke(two, "drained");
    left.ack(version, ["a"], "drained");
    await left.renew();
    expect((await replicas.read(one, version)).state).toBe("fenced");
    right.ack(version, ["a"], "drained");
    expect(await drained).toMatchObject({ version, state: "drained", holders: 2, drained: 2 });
    await replicas.until(one, version, "drained");
  });

  it("is fenced at once where nobody holds anything", async () => {
    const [one] = await replicas.startThree();
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained", holders: 0 });
  });

  it("waits for strict allows that another one gave just before", async () => {
    const [one, two] = await replicas.startThree();
    await replicas.post(two, "devices/validate", { deviceId: "a" });
    const { version } = await replicas.revoke(one);
    await replicas.stays(one, version);
    replicas.monotonicMs += 2_021;
    await replicas.until(one, version, "fenced");
    expect(await replicas.read(one, version)).toMatchObject({ holders: 1, drained: 0 });
  });

  it("waits for a lost holder of another one by time, and is never drained", async () => {
    const [one, two] = await replicas.startThree();
    const lost = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    lost.socket.terminate();
    const { version } = await replicas.revoke(one);
    await replicas.stays(one, version);
    replicas.monotonicMs += WAIT_MS;
    await replicas.until(one, version, "fenced");
    await replicas.until(two, version, "fenced");
    expect((await replicas.read(one, version)).state).toBe("fenced");
  });

  it("does not wait for a stop before it, which a lost holder keeps open", async () => {
    const [one, two] = await replicas.startThree();
    await replicas.post(one, "devices/register", { deviceId: "b" });
    const lost = await LeaseClient.holding(two.url, OWNER_KEY, ["b"]);
    lost.socket.terminate();
    await replicas.post(one, "devices/revoke", { deviceId: "b" });
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("waits for the whole time where a device of it was stopped before", async () => {
    const [one, two] = await replicas.startThree();
    await replicas.post(one, "devices/register", { deviceId: "b" });
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a", "b"]);
    await replicas.revoke(one);
    const both = { deviceIds: ["a", "b"], wait: "none" };
    const answer = await replicas.post(one, "devices/revoke_batch", both);
    const { version } = answer.body["stop"] as Progress;
    await holder.next("stop", (stop) => stop.version === version);
    // The others were told of one device alone.
    holder.ack(version, ["b"], "fenced");
    await replicas.stays(one, version);
    replicas.monotonicMs += WAIT_MS;
    expect(await replicas.until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("lists the holders of all of them, at whichever it is asked about", async () => {
    const [one, two, three] = await replicas.startThree();
    await using left = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    const right = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    await replicas.post(one, "devices/validate", { deviceId: "a" });
    right.socket.terminate();
    const { version } = await replicas.revoke(one);
    await left.next("stop");
    left.ack(version, ["a"], "drained");
    await left.renew();
    for (const replica of [one, two, three]) {
      const { body } = await call(replica, "GET", `/api/v1/stops/${version}`);
      const holders = body["holders"] as { kind: string; session?: string; state: string }[];
      const known = holders.map(({ kind, session, state }) => [kind, session, state]);
      expect(known).toHaveLength(3);
      expect(known).toEqual(
        expect.arrayContaining([
          ["session", left.session, "drained"],
          ["session", right.session, "lost"],
          ["strict", undefined, "pending"],
        ]),
      );
    }
    expect(await replicas.database.sql("SELECT FROM machineid.answers")).toEqual([]);
  });

  it("is one in each of them when a plan or a key is ended", async () => {
    const [one, two, three] = await replicas.startThree();
    const worker = await createScopedKey(one, "agent");
    await using holder = await LeaseClient.holding(two.url, worker.secret, ["a"]);
    const ended = await replicas.post(one, "keys/revoke", { keyId: worker.keyId });
    const stop = await holder.next("stop");
    expect(stop).toMatchObject({ version: ended.body["version"], code: "ORG_KEY_INVALID" });
    await replicas.stays(three, stop.version);
    holder.ack(stop.version, ["a"], "drained");
    expect(await replicas.until(three, stop.version, "drained")).toMatchObject({
      holders: 1,
      drained: 1,
    });

    holder.send({ type: "unwatch", n: 2, devices: ["a"] });
    await using other = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    const [org] = await replicas.database.sql<{ id: string }>("SELECT id FROM machineid.orgs");
    const admin = { ...two, adminKey: one.adminKey };
    await replicas.post(admin, "org/plan", { orgId: org?.id, planState: "frozen" });
    const frozen = await other.next("stop");
    expect(frozen).toMatchObject({ code: "PLAN_FROZEN", devices: ["a"] });
    await replicas.stays(two, frozen.version);
    other.ack(frozen.version, ["a"], "drained");
    expect(await replicas.until(two, frozen.version, "drained")).toMatchObject({
      holders: 1,
      drained: 1,
    });
  });
});
