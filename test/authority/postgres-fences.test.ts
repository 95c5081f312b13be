import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SCHEMA } from "../../src/authority/store/postgres/schema.ts";
import { call } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { OWNER_KEY, Replicas, WAIT_MS } from "./replicas-fixture.ts";

/** Registers a device that nobody uses, and stops it. */
async function stop(replicas: Replicas, replica: TestAuthority, deviceId: string): Promise<number> {
  await replicas.post(replica, "devices/register", { deviceId });
  return (await replicas.revoke(replica, "none", deviceId)).version;
}

/** Stops one device after the other until one is fenced before its time, while the clock stands still. */
async function untilEarly(replicas: Replicas, replica: TestAuthority): Promise<string> {
  for (let turn = 0; ; turn += 1) {
    const version = await stop(replicas, replica, `early-${turn}`);
    const { state } = await replicas.read(replica, version);
    if (state !== "pending") return state;
    await delay(100);
  }
}

describe("stops while replicas of the schema before may run", () => {
  let replicas: Replicas;

  beforeEach(async () => {
    replicas = await Replicas.onDatabase();
    await replicas.database.sql(
      `CREATE SCHEMA machineid; ${SCHEMA.slice(0, 3).join(";")};
       UPDATE machineid.state SET schema = 3`,
    );
  });
  afterEach(() => replicas[Symbol.asyncDispose]());

  it("are answered by time, and early again a wait after the last of them has gone", async () => {
    const { database } = replicas;
    const old = new Client({ connectionString: database.url });
    await old.connect();
    const replica = await replicas.start();
    const version = await stop(replicas, replica, "a");
    await replicas.stays(replica, version);
    // A timeline that is new to it is waited for, too; what connected since is not taken for one of them.
    replicas.monotonicMs += WAIT_MS;
    const noted = `SELECT sessions FROM machineid.replicas
      WHERE id = 'earlier' AND sessions IS NOT NULL`;
    while ((await database.sql(noted)).length === 0) await delay(20);
    const later = new Client({ connectionString: database.url });
    await later.connect();
    while ((await settled(database)) !== true) await delay(20);
    await replicas.stays(replica, await stop(replicas, replica, "b"));
    await old.end();
    const state = "SELECT state FROM machineid.replicas WHERE id = 'earlier'";
    while ((await database.sql<{ state: string }>(state))[0]?.state !== "out") await delay(20);
    await replicas.stays(replica, await stop(replicas, replica, "c"));
    replicas.monotonicMs += WAIT_MS;
    expect(await untilEarly(replicas, replica)).toBe("drained");
    await later.end();
  });
});

const settled = async (database: Pick<TestDatabase, "sql">): Promise<boolean | undefined> =>
  (await database.sql<{ settled: boolean }>("SELECT settled FROM machineid.state"))[0]?.settled;

describe("stops on a server of their own", () => {
  it("are early again once it has recovered from a crash", async () => {
    await using server = await PostgresServer.start();
    await using replicas = await Replicas.onDatabase(server.url());
    const [one, two] = [await replicas.start(), await replicas.start()];
    expect(await untilEarly(replicas, one)).toBe("drained");
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await replicas.post(one, "devices/register", { deviceId: "a" });
    await holder.renew();
    await server.crash();
    await server.restart();
    while ((await call(one, "GET", "/readyz")).status !== 200) await delay(50);
    const { version } = await replicas.revoke(one);
    await holder.next("stop");
    await replicas.stays(one, version);
    holder.ack(version, ["a"], "fenced");
    while ((await replicas.read(one, version)).state !== "fenced") await delay(20);
    expect(await untilEarly(replicas, two)).toBe("drained");
  });

  it("are answered by time after a failover, until a wait is over, under versions that were never given", async () => {
    await using server = await PostgresServer.start();
    await using replicas = await Replicas.onDatabase(server.url());
    const { database } = replicas;
    const replica = await replicas.start();
    expect(await untilEarly(replicas, replica)).toBe("drained");
    const before = await stop(replicas, replica, "before");
    await server.stop();
    writeFileSync(join(server.folder, "standby.signal"), "");
    await server.restart();
    await database.sql("SELECT pg_promote()");
    while ((await call(replica, "GET", "/readyz")).status !== 200) await delay(50);
    const version = await stop(replicas, replica, "after");
    expect(version).toBeGreaterThan(before + 1_000_000);
    expect(version).toBeLessThan(before + 1_000_100);
    await replicas.stays(replica, version);
    expect(await settled(database)).toBe(false);
    while ((await settled(database)) !== true) {
      replicas.monotonicMs += WAIT_MS;
      await delay(200);
    }
    expect(await untilEarly(replicas, replica)).toBe("drained");
  });

  it("are answered by time where the server does not tell its timeline", async () => {
    await using server = await PostgresServer.start();
    await using replicas = await Replicas.onDatabase(server.url());
    const { database } = replicas;
    await database.sql(
      `REVOKE EXECUTE ON FUNCTION pg_catalog.pg_walfile_name(pg_lsn) FROM PUBLIC;
       CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT CREATE ON DATABASE
       ${new URL(database.url).pathname.slice(1)} TO plain`,
    );
    const url = new URL(database.url);
    url.username = "plain";
    url.password = "plain";
    const replica = await replicas.start(url.href);
    const version = await stop(replicas, replica, "a");
    await replicas.stays(replica, version);
    replicas.monotonicMs += WAIT_MS;
    // Nobody can say that it knows of all holders.
    expect((await replicas.read(replica, version)).state).toBe("fenced");
    await replicas.stays(replica, await stop(replicas, replica, "b"));
  });
});
