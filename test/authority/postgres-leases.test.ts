import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { postgresStore } from "../../src/authority/index.ts";
import { createGuard, MachineID } from "../../src/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority, TestAuthorityOptions } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";

interface Progress {
  readonly version: number;
  readonly state: string;
}

describe("leases of replicas on one PostgreSQL", () => {
  let database: TestDatabase;
  const replicas: TestAuthority[] = [];
  let monotonicMs: number;

  const start = async (
    url = database.url,
    options: TestAuthorityOptions = {},
  ): Promise<TestAuthority> => {
    const store = await postgresStore({ url });
    const clock = () => monotonicMs;
    const replica = await startTestAuthority({
      store,
      ownerKey: OWNER_KEY,
      monotonicMs: clock,
      ...options,
    });
    replicas.push(replica);
    return replica;
  };
  const post = (replica: TestAuthority, path: string, body: unknown) =>
    call(replica, "POST", `/api/v1/${path}`, body);
  const stateOf = async (replica: TestAuthority, version: number): Promise<string> => {
    const { body } = await call(replica, "GET", `/api/v1/stops/${version}`);
    return (body["stop"] as Progress).state;
  };

  /** Once all replicas have answered: one that has just started may not hear the others yet. */
  const sessionsAt = async (replica: TestAuthority): Promise<Record<string, unknown>> => {
    for (;;) {
      const { body } = await call(replica, "GET", "/api/v1/sessions");
      if (body["complete"] === true) return body;
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

  it("a stop at one replica is pushed to who holds a lease of another", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    await using client = await LeaseClient.holding(other.url, OWNER_KEY, ["a"]);
    expect(client.received).toMatchObject([{ decisions: { a: { allowed: true } } }]);
    const answer = await post(one, "devices/revoke", { deviceId: "a", wait: "none" });
    const { version } = answer.body["stop"] as Progress;
    expect(await client.next("stop")).toMatchObject({ version, devices: ["a"] });
    expect((await client.renew()).decisions).toMatchObject({ a: { allowed: false } });
  });

  it("a stop that a lost holder does not acknowledge is fenced by time, at whichever replica it is asked about", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    const client = await LeaseClient.holding(other.url, OWNER_KEY, ["a"]);
    client.socket.terminate();
    const answer = await post(one, "devices/revoke", { deviceId: "a", wait: "none" });
    const { version } = answer.body["stop"] as Progress;
    monotonicMs += 10_099;
    expect(await stateOf(one, version)).toBe("pending");
    expect(await stateOf(other, version)).toBe("pending");
    monotonicMs += 2;
    expect(await stateOf(one, version)).toBe("fenced");
    expect(await stateOf(other, version)).toBe("fenced");
  });

  it("sessions are counted at whichever replica they are", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    await post(one, "devices/register", { deviceId: "b" });
    await LeaseClient.holding(one.url, OWNER_KEY, ["a", "b"]);
    await LeaseClient.holding(other.url, OWNER_KEY, ["a"]);
    for (const replica of [one, other]) {
      expect(await sessionsAt(replica)).toMatchObject({
        sessions: 2,
        devices: [
          { deviceId: "a", sessions: 2 },
          { deviceId: "b", sessions: 1 },
        ],
      });
    }
  });

  it("a question that nobody of them would ask ends none of them, and others are answered", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    await LeaseClient.holding(other.url, OWNER_KEY, ["a"]);
    expect(await sessionsAt(one)).toMatchObject({ sessions: 1 });
    const strange = ["{", "[]", '{"orgId":1}', "-1", "null"];
    for (const subject of strange) {
      const payload = `00000000-0000-0000-0000-000000000000 ${subject}`;
      await database.sql(`SELECT pg_notify('machineid_questions', '${payload}')`);
    }
    expect(await sessionsAt(one)).toMatchObject({ sessions: 1 });
  });

  it("sessions are said not to be all while a replica does not answer", async () => {
    const one = await start();
    await database.sql("INSERT INTO machineid.replicas (id, state, since) VALUES ('x', 'in', 0)");
    const { body } = await call(one, "GET", "/api/v1/sessions");
    expect(body).toMatchObject({ sessions: 0, complete: false });
  });

  it("answers of a replica that cannot be read are left out, and sessions are said not to be all", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    await LeaseClient.holding(other.url, OWNER_KEY, ["a"]);
    expect(await sessionsAt(one)).toMatchObject({ sessions: 1 });
    await database.sql(`
      CREATE FUNCTION garble() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.holders := '{'; RETURN NEW; END $$;
      CREATE TRIGGER garble BEFORE INSERT ON machineid.answers
        FOR EACH ROW EXECUTE FUNCTION garble()`);
    const sessions = await call(one, "GET", "/api/v1/sessions");
    expect(sessions.body).toMatchObject({ sessions: 0, complete: false });
    const revoked = await post(one, "devices/revoke", { deviceId: "a", wait: "none" });
    const { version } = revoked.body["stop"] as Progress;
    const stop = await call(one, "GET", `/api/v1/stops/${version}`);
    expect(stop).toMatchObject({ status: 200, body: { holders: [] } });
  });

  it("a guard is aborted by a stop at another replica", async () => {
    const [one, other] = [await start(), await start()];
    await post(one, "devices/register", { deviceId: "a" });
    const client = new MachineID({ orgKey: OWNER_KEY, baseUrl: other.url });
    const guard = createGuard(client, { deviceId: "a", enforcement: "lease" });
    const began = Promise.withResolvers<void>();
    const running = guard.protect({ kind: "tool" }, async (signal) => {
      began.resolve();
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      signal.throwIfAborted();
    });
    const ended = running.catch((error: unknown) => Reflect.get(error as object, "code"));
    await began.promise;
    await post(one, "devices/revoke", { deviceId: "a" });
    expect(await ended).toBe("DEVICE_REVOKED");
    await guard.close();
  });

  it("a replica that cannot reach its store grants nothing", async () => {
    await using proxy = await TcpProxy.open(Number(new URL(database.url).port));
    const url = new URL(database.url);
    url.host = `127.0.0.1:${proxy.port}`;
    const replica = await start(url.href);
    await post(replica, "devices/register", { deviceId: "a" });
    await using client = await LeaseClient.holding(replica.url, OWNER_KEY, ["a"]);
    proxy.freeze();
    client.n += 1;
    client.send({ type: "renew", n: client.n });
    const decided = await post(replica, "devices/validate", { deviceId: "a" });
    expect(decided.body).toMatchObject({ allowed: false, code: "STORE_UNAVAILABLE" });
    expect(client.received.map(({ type }) => type)).toEqual(["grant"]);
  });

  it("terms are those of the store, for every replica", async () => {
    const one = await start();
    const other = await start(database.url, { leaseTtlMs: 60_000 });
    await post(one, "devices/register", { deviceId: "a" });
    await using client = await LeaseClient.holding(one.url, OWNER_KEY, ["a"]);
    expect(client.received).toMatchObject([{ ttl_ms: 60_000 }]);
    const answer = await post(other, "devices/revoke", { deviceId: "a", wait: "none" });
    const { version } = answer.body["stop"] as Progress;
    monotonicMs += 60_599;
    expect(await stateOf(other, version)).toBe("pending");
    monotonicMs += 2;
    expect(await stateOf(other, version)).toBe("fenced");
  });
});
