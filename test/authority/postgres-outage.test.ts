import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresStore, StoreSchemaError } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { createDatabase } from "../support/postgres.ts";
import { failureIn } from "./answers.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const DECISION_MS = 1_500;
const CONNECT_MS = 5_000;
const UNAVAILABLE = [503, "STORE_UNAVAILABLE"];

describe("a database server that is away", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function startOn(url: string, connectTimeoutMs = 1_000): Promise<TestAuthority> {
    const store = await postgresStore({ url, decisionTimeoutMs: DECISION_MS, connectTimeoutMs });
    const authority = await startTestAuthority({ store, plan: 5 });
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
    return authority;
  }
  const validate = (authority: TestAuthority) =>
    call(authority, "POST", "/api/v1/devices/validate", { deviceId: "a" });

  /** Asks until it is allowed: what was refused meanwhile was refused in the one right way. */
  async function recovers(authority: TestAuthority): Promise<void> {
    for (;;) {
      const answer = await validate(authority);
      if (answer.body["allowed"] === true) return;
      expect(failureIn(answer)).toEqual(UNAVAILABLE);
    }
  }

  it("503: is not ready, refuses every operation, and works again without a restart", async () => {
    await using database = await createDatabase(server.url());
    await using authority = await startOn(database.url);
    for (const fault of [() => server.stop(), () => server.crash()]) {
      expect((await call(authority, "GET", "/readyz")).status).toBe(200);
      await fault();
      for (const operation of ["validate", "register", "revoke", "unrevoke", "remove"]) {
        const answer = await call(authority, "POST", `/api/v1/devices/${operation}`, {
          deviceId: "a",
        });
        expect([operation, ...failureIn(answer)]).toEqual([operation, ...UNAVAILABLE]);
        expect(answer.body["allowed"]).toBe(false);
        expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|postgres|ECONN/);
      }
      expect(failureIn(await call(authority, "GET", "/readyz"))).toEqual(UNAVAILABLE);
      expect(failureIn(await call(authority, "GET", "/api/v1/usage"))).toEqual(UNAVAILABLE);
      expect((await call(authority, "GET", "/healthz")).status).toBe(200);
      await server.restart();
      await recovers(authority);
    }
  });

  it("503: a server that does not answer any more is given up within the deadline", async () => {
    await using database = await createDatabase(server.url());
    await using proxy = await TcpProxy.open(server.port);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    await using authority = await startOn(url.href, CONNECT_MS);
    proxy.freeze();
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => validate(authority)));
    // It does not wait for what a connection may take.
    expect(performance.now() - began).toBeLessThan(CONNECT_MS);
    for (const answer of answers) expect(failureIn(answer)).toEqual(UNAVAILABLE);
    proxy.thaw();
    await recovers(authority);
  });

  it("a connection that was cut without a word costs no decision", async () => {
    await using database = await createDatabase(server.url());
    await using proxy = await TcpProxy.open(server.port);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const store = await postgresStore({ url: url.href, decisionTimeoutMs: 8_000 });
    await using authority = await startTestAuthority({ store, plan: 5 });
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
    const own = "FROM pg_stat_activity WHERE application_name = 'machineid'";
    await database.sql(`SELECT pg_terminate_backend(pid) ${own}`);
    // What is sent to one that ends only then may have been done, and is refused.
    while ((await database.sql(`SELECT ${own}`)).length > 0);
    expect((await validate(authority)).body).toMatchObject({ allowed: true });
  });

  it("503: a database that can only be read lets nobody work", async () => {
    await using database = await createDatabase(server.url());
    await using authority = await startOn(database.url);
    const name = new URL(database.url).pathname.slice(1);
    const readOnly = (on: string) =>
      database.sql(
        `ALTER DATABASE ${name} SET default_transaction_read_only = ${on};
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'machineid' AND datname = '${name}'`,
      );
    await readOnly("on");
    expect(failureIn(await call(authority, "GET", "/readyz"))).toEqual(UNAVAILABLE);
    expect(failureIn(await validate(authority))).toEqual(UNAVAILABLE);
    await database.sql(
      `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = off; COMMIT`,
    );
    await database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'machineid' AND datname = '${name}'`,
    );
    await recovers(authority);
  });
});

describe("a server that cannot hold a store", () => {
  it("is refused when it is a standby", async () => {
    const primary = await PostgresServer.start();
    const database = await createDatabase(primary.url());
    await (await postgresStore({ url: database.url })).close();
    await primary.stop();
    writeFileSync(join(primary.folder, "standby.signal"), "");
    const standby = await PostgresServer.start({ folder: primary.folder });
    try {
      const url = new URL(database.url);
      url.port = String(standby.port);
      await expect(postgresStore({ url: url.href })).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("is a standby"),
      });
    } finally {
      await standby.stop();
      rmSync(primary.folder, { recursive: true });
    }
  });

  it("is refused when its schema is newer, by a replica that runs, too", async () => {
    await using database = await createDatabase();
    const store = await postgresStore({ url: database.url });
    await using authority = await startTestAuthority({ store, plan: 5 });
    await database.sql("UPDATE machineid.state SET schema = 99");
    const refused = await postgresStore({ url: database.url }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreSchemaError);
    expect(refused).toMatchObject({ message: expect.stringContaining("has schema 99") });
    // What is connected goes on, so that replicas can be replaced one after the other.
    const ask = () => call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
    expect((await ask()).status).toBe(200);
    await database.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'machineid' AND datname = current_database()",
    );
    expect(failureIn(await ask())).toEqual(UNAVAILABLE);
  });

  it("is refused when its schema machineid is somebody else's, and left as it was", async () => {
    await using database = await createDatabase();
    await database.sql("CREATE SCHEMA machineid; CREATE TABLE machineid.theirs (id int)");
    await expect(postgresStore({ url: database.url })).rejects.toMatchObject({
      code: "STORE_SCHEMA",
    });
    const tables = await database.sql(
      "SELECT relname FROM pg_class WHERE relnamespace = 'machineid'::regnamespace",
    );
    expect(tables).toEqual([{ relname: "theirs" }]);
  });

  it.each(["mysql://root:secret@host/db", "postgres//user:secret@host", "secret", ""])(
    "an address that is none is refused, and not repeated: %#",
    async (url) => {
      const refused = await postgresStore({ url }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(TypeError);
      expect(String(refused)).not.toContain("secret");
    },
  );
});
