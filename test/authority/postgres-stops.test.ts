import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { postgresStore } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { createDatabase } from "../support/postgres.ts";
import { createScopedKey } from "../support/scoped-keys.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { Cluster } from "./history/cluster.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";
/** What stops wait for, and 1 %, and a little. */
const WAIT_MS = 10_101;

interface Progress {
  readonly version: number;
  readonly state: string;
  readonly holders: number;
  readonly fenced: number;
  readonly drained: number;
}
interface ReplicaRow {
  readonly id: string;
  readonly state: string;
}

/* The clock stands still unless a test moves it: whatever is fenced meanwhile is not fenced by time. */
describe("a stop on replicas", () => {
  let database: TestDatabase;
  let monotonicMs: number;
  const replicas: TestAuthority[] = [];

  const start = async (): Promise<TestAuthority> => {
    const store = await postgresStore({ url: database.url });
    const clock = () => monotonicMs;
    const replica = await startTestAuthority({ store, ownerKey: OWNER_KEY, monotonicMs: clock });
    replicas.push(replica);
    return replica;
  };
  const post = (replica: TestAuthority, path: string, body: unknown) =>
    call(replica, "POST", `/api/v1/${path}`, body);
  const revoke = async (replica: TestAuthority, wait = "none"): Promise<Progress> => {
    const body = { deviceId: "a", wait, timeout_ms: 30_000 };
    return (await post(replica, "devices/revoke", body)).body["stop"] as Progress;
  };
  const read = async (replica: TestAuthority, version: number): Promise<Progress> =>
    (await call(replica, "GET", `/api/v1/stops/${version}`)).body["stop"] as Progress;
  const until = async (
    replica: TestAuthority,
    version: number,
    state: string,
  ): Promise<Progress> => {
    for (;;) {
      const progress = await read(replica, version);
      if (progress.state === state) return progress;
      await delay(20);
    }
  };
  const rows = (): Promise<ReplicaRow[]> =>
    database.sql<ReplicaRow>("SELECT id, state FROM machineid.replicas ORDER BY id");
  const rowsUntil = async (fits: (rows: ReplicaRow[]) => boolean): Promise<void> => {
    while (!fits(await rows())) await delay(20);
  };
  /** As replicas do that say so each second: often enough to be sure of it. */
  const staysPending = async (replica: TestAuthority, version: number): Promise<void> => {
    for (let look = 0; look < 15; look += 1) {
      expect((await read(replica, version)).state).toBe("pending");
      await delay(20);
    }
  };

  beforeEach(async () => {
    database = await createDatabase();
    monotonicMs = 1_000_000;
  });
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.close()));
    await database[Symbol.asyncDispose]();
  });

  const startThree = async () => {
    const [one, two, three] = [await start(), await start(), await start()] as const;
    await post(one, "devices/register", { deviceId: "a" });
    return [one, two, three] as const;
  };

  it("is fenced, and drained, when the holders of all of them say so, at whichever it is asked about", async () => {
    const [one, two, three] = await startThree();
    await using left = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await using right = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    const fenced = revoke(one, "fenced");
    const { version } = await left.next("stop");
    await right.next("stop");
    left.ack(version, ["a"], "fenced");
    await left.renew();
    await staysPending(one, version);
    right.ack(version, ["a"], "fenced");
    expect(await fenced).toMatchObject({ version, state: "fenced", holders: 2, drained: 0 });
    await until(three, version, "fenced");
    const drained = revoke(two, "drained");
    left.ack(version, ["a"], "drained");
    await left.renew();
    expect((await read(one, version)).state).toBe("fenced");
    right.ack(version, ["a"], "drained");
    expect(await drained).toMatchObject({ version, state: "drained", holders: 2, drained: 2 });
    await until(one, version, "drained");
  });

  it("is fenced at once where nobody holds anything", async () => {
    const [one] = await startThree();
    expect(await revoke(one, "drained")).toMatchObject({ state: "drained", holders: 0 });
  });

  it("waits for strict allows that another one gave just before", async () => {
    const [one, two] = await startThree();
    await post(two, "devices/validate", { deviceId: "a" });
    const { version } = await revoke(one);
    await staysPending(one, version);
    monotonicMs += 2_021;
    await until(one, version, "fenced");
    expect(await read(one, version)).toMatchObject({ holders: 1, drained: 0 });
  });

  it("waits for a lost holder of another one by time, and is never drained", async () => {
    const [one, two] = await startThree();
    const lost = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    lost.socket.terminate();
    const { version } = await revoke(one);
    await staysPending(one, version);
    monotonicMs += WAIT_MS;
    await until(one, version, "fenced");
    await until(two, version, "fenced");
    expect((await read(one, version)).state).toBe("fenced");
  });

  it("does not wait for a stop before it, which a lost holder keeps open", async () => {
    const [one, two] = await startThree();
    await post(one, "devices/register", { deviceId: "b" });
    const lost = await LeaseClient.holding(two.url, OWNER_KEY, ["b"]);
    lost.socket.terminate();
    await post(one, "devices/revoke", { deviceId: "b" });
    expect(await revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("waits for the whole time where a device of it was stopped before", async () => {
    const [one, two] = await startThree();
    await post(one, "devices/register", { deviceId: "b" });
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a", "b"]);
    await revoke(one);
    const both = { deviceIds: ["a", "b"], wait: "none" };
    const answer = await post(one, "devices/revoke_batch", both);
    const { version } = answer.body["stop"] as Progress;
    await holder.next("stop", (stop) => stop.version === version);
    // The others were told of one device alone.
    holder.ack(version, ["b"], "fenced");
    await staysPending(one, version);
    monotonicMs += WAIT_MS;
    expect(await until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("waits for one that was there before it, and whom nobody has heard of", async () => {
    const [one] = await startThree();
    await database.sql("INSERT INTO machineid.replicas VALUES ('ghost', 'in', 0)");
    const { version } = await revoke(one);
    await staysPending(one, version);
    await rowsUntil((all) => all.some(({ id, state }) => id === "ghost" && state === "out"));
    // What it gave is in use until the wait is over.
    await staysPending(one, version);
    monotonicMs += WAIT_MS;
    await rowsUntil((all) => all.some(({ id, state }) => id === "ghost" && state === "gone"));
    await post(one, "devices/unrevoke", { deviceId: "a" });
    expect(await revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("does not wait for one that begins after it was made", async () => {
    const [one, two] = await startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    const { version } = await revoke(one);
    await start();
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    expect(await until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("is never drained where one ended whose holders nobody knows", async () => {
    const [one, two] = await startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await database.sql("INSERT INTO machineid.replicas VALUES ('ghost', 'out', 0)");
    const { version } = await revoke(one);
    await holder.next("stop");
    holder.ack(version, ["a"], "drained");
    // Nobody tells when the wait begins.
    await rowsUntil((all) => {
      monotonicMs += WAIT_MS;
      return all.some(({ id, state }) => id === "ghost" && state === "gone");
    });
    for (const replica of [one, two]) {
      expect(await until(replica, version, "fenced")).toMatchObject({ holders: 1, drained: 1 });
      await staysFenced(replica, version);
    }
  });
  const staysFenced = async (replica: TestAuthority, version: number): Promise<void> => {
    for (let look = 0; look < 10; look += 1) {
      expect((await read(replica, version)).state).toBe("fenced");
      await delay(20);
    }
  };

  it("waits its whole time when one was killed, and is soon fenced again when that is over", async () => {
    const [one] = await startThree();
    await using cluster = await Cluster.start([database.url]);
    const known = await rows();
    expect(known).toHaveLength(4);
    const killed = { ...one, url: cluster.urlOf(0) };
    await post(killed, "devices/validate", { deviceId: "a" });
    await cluster.kill(0);
    const { version } = await revoke(one);
    await staysPending(one, version);
    await rowsUntil((all) => all.some(({ state }) => state === "out"));
    await staysPending(one, version);
    monotonicMs += WAIT_MS;
    await rowsUntil((all) => all.filter(({ state }) => state !== "gone").length === 3);
    await post(one, "devices/unrevoke", { deviceId: "a" });
    expect(await revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("does not wait for one that ended cleanly with nothing in use", async () => {
    const [one, two] = await startThree();
    await two.close();
    expect(await rows()).toHaveLength(2);
    expect(await revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("waits for what one had in use that ended cleanly", async () => {
    const [one, two] = await startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await two.close();
    await holder.close();
    const { version } = await revoke(one);
    await staysPending(one, version);
    monotonicMs += WAIT_MS;
    expect(await until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("one that was taken for ended gives nothing under its old name, and works on under a new one", async () => {
    const [one, two] = await startThree();
    const before = await rows();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await database.sql("UPDATE machineid.replicas SET state = 'out'");
    const answers = await Promise.all(
      [one, two].map((replica) => post(replica, "devices/validate", { deviceId: "a" })),
    );
    expect(answers.map(({ body }) => body["allowed"])).toEqual([true, true]);
    await rowsUntil((all) => all.filter(({ state }) => state === "in").length === 3);
    const after = await rows();
    const names = new Set(before.map(({ id }) => id));
    expect(after.filter(({ id, state }) => names.has(id) && state === "in")).toEqual([]);
    // What it gave under its old name is waited for.
    const { version } = await revoke(one);
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    await staysPending(one, version);
  });

  it("one that is out and cannot enter again allows nothing", async () => {
    const [one] = await startThree();
    await database.sql(
      `ALTER TABLE machineid.replicas ADD CONSTRAINT shut CHECK (state <> 'in') NOT VALID;
       UPDATE machineid.replicas SET state = 'out'`,
    );
    const { body } = await post(one, "devices/validate", { deviceId: "a" });
    expect(body).toMatchObject({ allowed: false, code: "STORE_UNAVAILABLE" });
    await using client = await LeaseClient.open(one.url, OWNER_KEY).catch(() => undefined);
    expect(client).toBeUndefined();
    await database.sql("ALTER TABLE machineid.replicas DROP CONSTRAINT shut");
  });

  it("lists the holders of all of them, at whichever it is asked about", async () => {
    const [one, two, three] = await startThree();
    await using left = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    const right = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    await post(one, "devices/validate", { deviceId: "a" });
    right.socket.terminate();
    const { version } = await revoke(one);
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
    expect(await database.sql("SELECT FROM machineid.answers")).toEqual([]);
  });

  it("is one in each of them when a plan or a key is ended", async () => {
    const [one, two, three] = await startThree();
    const worker = await createScopedKey(one, "agent");
    await using holder = await LeaseClient.holding(two.url, worker.secret, ["a"]);
    const ended = await post(one, "keys/revoke", { keyId: worker.keyId });
    const stop = await holder.next("stop");
    expect(stop).toMatchObject({ version: ended.body["version"], code: "ORG_KEY_INVALID" });
    await staysPending(three, stop.version);
    holder.ack(stop.version, ["a"], "drained");
    expect(await until(three, stop.version, "drained")).toMatchObject({ holders: 1, drained: 1 });

    holder.send({ type: "unwatch", n: 2, devices: ["a"] });
    await using other = await LeaseClient.holding(three.url, OWNER_KEY, ["a"]);
    const [org] = await database.sql<{ id: string }>("SELECT id FROM machineid.orgs");
    const admin = { ...two, adminKey: one.adminKey };
    await post(admin, "org/plan", { orgId: org?.id, planState: "frozen" });
    const frozen = await other.next("stop");
    expect(frozen).toMatchObject({ code: "PLAN_FROZEN", devices: ["a"] });
    await staysPending(two, frozen.version);
    other.ack(frozen.version, ["a"], "drained");
    expect(await until(two, frozen.version, "drained")).toMatchObject({ holders: 1, drained: 1 });
  });
});
