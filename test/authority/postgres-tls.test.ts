import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { postgresStore } from "../../src/authority/index.ts";
import { PostgresServer } from "../support/postgres-server.ts";
import { createDatabase } from "../support/postgres.ts";

/** Gives a server a certificate for 127.0.0.1, and answers the file that it can be verified with. */
async function enableTls(server: PostgresServer): Promise<string> {
  const certificate = join(server.folder, "server.crt");
  const key = join(server.folder, "server.key");
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
  ];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", [...request, ...subject, ...files], { stdio: "ignore" });
  const { uid, gid } = statSync(server.folder);
  for (const file of [certificate, key]) chownSync(file, uid, gid);
  chmodSync(key, 0o600);
  appendFileSync(join(server.folder, "postgresql.auto.conf"), "ssl = on\n");
  await server.stop();
  await server.restart();
  return certificate;
}

it("works over TLS, and refuses a server that it cannot verify", async () => {
  await using server = await PostgresServer.start();
  const certificate = await enableTls(server);
  await using database = await createDatabase(server.url());
  const url = new URL(database.url);
  url.searchParams.set("sslmode", "verify-full");
  await expect(postgresStore({ url: url.href })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("self-signed"),
  });
  url.searchParams.set("sslrootcert", certificate);
  const store = await postgresStore({ url: url.href });
  const sessions = await database.sql(
    `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
     WHERE application_name = 'machineid'`,
  );
  expect(sessions).toEqual([{ ssl: true }]);
  await store.close();

  url.hostname = "localhost";
  await expect(postgresStore({ url: url.href })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
});
