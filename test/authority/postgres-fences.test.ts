import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { postgresStore } from "../../src/authority/index.ts";
import { SCHEMA } from "../../src/authority/store/postgres/schema.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { PostgresServer } from "../support/postgres-server.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";
const WAIT_MS = 10_101;

interface Progress {
  readonly version: number;
  readonly state: string;
}

/* The clock stands still unless a test moves it. */
let monotonicMs: number;
const authorities: TestAuthority[] = [];

async function start(url: string): Promise<TestAuthority> {
  const store = await postgresStore({ url });
  const clock = () => monotonicMs;
  const started = await startTestAuthority({ store, ownerKey: OWNER_KEY, monotonicMs: clock });
  authorities.push(started);
  return started;
}
const post = (replica: TestAuthority, path: string, body: unknown) =>
  call(replica, "POST", `/api/v1/${path}`, body);
const read = async (replica: TestAuthority, version: number): Promise<string> => {
  const { body } = await call(replica, "GET", `/api/v1/stops/${version}`);
  return (body["stop"] as Progress).state;
};
/** Registers a device that nobody uses, and stops it. */
const stop = async (replica: TestAuthority, deviceId: string): Promise<number> => {
  await post(replica, "devices/register", { deviceId });
  const answer = await post(replica, "devices/revoke", { deviceId, wait: "none" });
  return (answer.body["stop"] as Progress).version;
};
const staysPending = async (replica: TestAuthority, version: number): Promise<void> => {
  for (let look = 0; look < 15; look += 1) {
    expect(await read(replica, version)).toBe("pending");
    await delay(20);
  }
};
/** Stops one device after the other until one is fenced before its time, while the clock stands still. */
const untilEarly = async (replica: TestAuthority): Promise<string> => {
  for (let turn = 0; ; turn += 1) {
    const state = await read(replica, await stop(replica, `early-${turn}`));
    if (state !== "pending") return state;
    await delay(100);
  }
};

beforeEach(() => {
  monotonicMs = 1_000_000;
});
afterEach(async () => {
  await Promise.all(authorities.splice(0).map((authority) => authority.close()));
});

describe("stops while replicas of the schema before may run", () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
    await database.sql(
      `CREATE SCHEMA machineid; ${SCHEMA.slice(0, 3).join(";")};
       UPDATE machineid.state SET schema = 3`,
    );
  });
  afterEach(() => database[Symbol.asyncDispose]());

  it("are answered by time, and early again a wait after the last of them has gone", async () => {
    const old = new Client({ connectionString: database.url });
    await old.connect();
    const replica = await start(database.url);
    const version = await stop(replica, "a");
    await staysPending(replica, version);
    // A timeline that is new to it is waited for, too; what connected since is not taken for one of them.
    monotonicMs += WAIT_MS;
    const noted = `SELECT sessions FROM machineid.replicas
      WHERE id = 'earlier' AND sessions IS NOT NULL`;
    while ((await database.sql(noted)).length === 0) await delay(20);
    const later = new Client({ connectionString: database.url });
    await later.connect();
    while ((await settled(database)) !== true) await delay(20);
    await staysPending(replica, await stop(replica, "b"));
    await old.end();
    const state = "SELECT state FROM machineid.replicas WHERE id = 'earlier'";
    while ((await database.sql<{ state: string }>(state))[0]?.state !== "out") await delay(20);
    await staysPending(replica, await stop(replica, "c"));
    monotonicMs += WAIT_MS;
    expect(await untilEarly(replica)).toBe("drained");
    await later.end();
  });
});

const settled = async (database: Pick<TestDatabase, "sql">): Promise<boolean | undefined> =>
  (await database.sql<{ settled: boolean }>("SELECT settled FROM machineid.state"))[0]?.settled;

describe("stops on a server of their own", () => {
  it("are early again once it has recovered from a crash", async () => {
    await using server = await PostgresServer.start();
    await using database = await createDatabase(server.url());
    const [one, two] = [await start(database.url), await start(database.url)];
    expect(await untilEarly(one)).toBe("drained");
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await post(one, "devices/register", { deviceId: "a" });
    await holder.renew();
    await server.crash();
    await server.restart();
    while ((await call(one, "GET", "/readyz")).status !== 200) await delay(50);
    const { body } = await post(one, "devices/revoke", { deviceId: "a", wait: "none" });
    const { version } = body["stop"] as Progress;
    await holder.next("stop");
    await staysPending(one, version);
    holder.ack(version, ["a"], "fenced");
    while ((await read(one, version)) !== "fenced") await delay(20);
    expect(await untilEarly(two)).toBe("drained");
    await Promise.all(authorities.splice(0).map((authority) => authority.close()));
  });

  it("are answered by time after a failover, until a wait is over, under versions that were never given", async () => {
    await using server = await PostgresServer.start();
    await using database = await createDatabase(server.url());
    const replica = await start(database.url);
    expect(await untilEarly(replica)).toBe("drained");
    const before = await stop(replica, "before");
    await server.stop();
    writeFileSync(join(server.folder, "standby.signal"), "");
    await server.restart();
    await database.sql("SELECT pg_promote()");
    while ((await call(replica, "GET", "/readyz")).status !== 200) await delay(50);
    const version = await stop(replica, "after");
    expect(version).toBeGreaterThan(before + 1_000_000);
    expect(version).toBeLessThan(before + 1_000_100);
    await staysPending(replica, version);
    expect(await settled(database)).toBe(false);
    while ((await settled(database)) !== true) {
      monotonicMs += WAIT_MS;
      await delay(200);
    }
    expect(await untilEarly(replica)).toBe("drained");
    await Promise.all(authorities.splice(0).map((authority) => authority.close()));
  });

  it("are answered by time where the server does not tell its timeline", async () => {
    await using server = await PostgresServer.start();
    await using database = await createDatabase(server.url());
    await database.sql(
      `REVOKE EXECUTE ON FUNCTION pg_catalog.pg_walfile_name(pg_lsn) FROM PUBLIC;
       CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT CREATE ON DATABASE
       ${new URL(database.url).pathname.slice(1)} TO plain`,
    );
    const url = new URL(database.url);
    url.username = "plain";
    url.password = "plain";
    const replica = await start(url.href);
    const version = await stop(replica, "a");
    await staysPending(replica, version);
    monotonicMs += WAIT_MS;
    // Nobody can say that it knows of all holders.
    expect(await read(replica, version)).toBe("fenced");
    await staysPending(replica, await stop(replica, "b"));
    await Promise.all(authorities.splice(0).map((authority) => authority.close()));
  });
});
