import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SERVE_ARGUMENTS } from "../../src/cli/commands/serve.ts";
import { isConfiguration, variableOf } from "../../src/cli/serve/environment.ts";
import { makeCertificate } from "../support/certificate.ts";
import type { Certificate } from "../support/certificate.ts";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { TemporaryDirectory } from "./spawn.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("what configures serve", () => {
  const options = Object.keys(SERVE_ARGUMENTS);

  test("is in one table: every option but those of the output, with its variable and default", () => {
    const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
    const rows = [...page.matchAll(/^\| `--([a-z-]+)[^`]*` +\| `(MACHINEID_\w+)` +\| ([^|]+)\|/gm)];
    const told = rows.map(([, option, variable, fallback = ""]) => ({
      option,
      variable,
      fallback: fallback.trim().replaceAll("`", "").replace("none", ""),
    }));
    const real = Object.entries(SERVE_ARGUMENTS)
      .filter(([option]) => isConfiguration(option))
      .map(([option, definition]) => ({
        option,
        variable: variableOf(option),
        fallback: "default" in definition ? definition.default : "",
      }));
    expect(new Set(told.map(({ option }) => option))).toEqual(
      new Set(real.map(({ option }) => option)),
    );
    expect(told).toHaveLength(real.length);
    for (const row of real) {
      const found = told.find(({ option }) => option === row.option);
      expect(found?.variable).toBe(row.variable);
      if (row.fallback !== "") expect(found?.fallback).toBe(row.fallback);
    }
    expect(options.filter((option) => !isConfiguration(option))).toEqual(["json", "debug"]);
  });

  test("may come from the environment, and an option goes before its variable", async () => {
    using directory = temporaryDirectory();
    const env = {
      MACHINEID_DB: directory.file("env.db"),
      MACHINEID_PORT: "0",
      MACHINEID_PLAN: "7",
      MACHINEID_LOG_FORMAT: "json",
      MACHINEID_LOG_LEVEL: "info",
      MACHINEID_STOP_WITH_STDIN: "false",
      MACHINEID_METRICS_PORT: "0",
      MACHINEID_HOST: "",
    };
    const running = startCli(["serve", "--json"], { env });
    const said = JSON.parse(await running.firstLine()) as Record<string, string>;
    expect(existsSync(directory.file("env.db"))).toBe(true);
    const org = {
      MACHINEID_BASE_URL: said["url"] ?? "",
      MACHINEID_ORG_KEY: said["ownerKey"] ?? "",
    };
    expect((await runCli(["usage"], { env: org })).stdout).toContain("of 7 devices");
    expect((await fetch(`${said["metricsUrl"]}/metrics`)).status).toBe(200);
    running.process.kill("SIGTERM");
    expect((await running.finished).stderr).toContain('"msg":"authority listening"');

    await using other = await startServe(directory.file("option.db"), { env });
    expect(existsSync(directory.file("option.db"))).toBe(true);
    expect(await runCli(["usage"], { env: other.env })).toMatchObject({ code: 0 });
  });

  test("a switch of the environment is on or off, and nothing else", async () => {
    const args = ["serve", "--port", "0", "--db", ":memory:"];
    const on = await runCli(args, { env: { MACHINEID_STOP_WITH_STDIN: "yes" } });
    expect(on).toMatchObject({ code: 0 });
    const odd = await runCli(args, { env: { MACHINEID_STOP_WITH_STDIN: "perhaps" } });
    expect(odd).toMatchObject({ code: 2, stdout: "" });
    expect(odd.stderr).toContain("MACHINEID_STOP_WITH_STDIN");
  });

  test.each([
    [{ MACHINEID_PORT: "http" }, "MACHINEID_PORT"],
    [{ MACHINEID_DRAIN_MS: "-1" }, "MACHINEID_DRAIN_MS"],
    [{ MACHINEID_METRICS_PORT: "70000" }, "MACHINEID_METRICS_PORT"],
    [{ MACHINEID_MAX_CONNECTIONS: "0" }, "MACHINEID_MAX_CONNECTIONS"],
    [{ MACHINEID_CORS_ORIGIN: "*" }, "MACHINEID_CORS_ORIGIN"],
    [{ MACHINEID_CORS_ORIGIN: "https://a.example.com/path" }, "MACHINEID_CORS_ORIGIN"],
    [{ MACHINEID_TLS_CERT: "a.crt" }, "MACHINEID_TLS_KEY"],
  ])("%j cannot be, and is named", async (env: Record<string, string>, words) => {
    const result = await runCli(["serve", "--db", ":memory:"], {
      env: { MACHINEID_PORT: "0", ...env },
    });
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(words) });
  });
});

describe("serve with TLS", () => {
  let directory: TemporaryDirectory;
  let first: Certificate;
  let second: Certificate;
  beforeAll(() => {
    directory = temporaryDirectory();
    first = makeCertificate(directory.path, "first");
    second = makeCertificate(directory.path, "second");
  });
  afterAll(() => directory[Symbol.dispose]());

  const nameServed = async (url: string): Promise<unknown> => {
    const socket = connect({ port: Number(new URL(url).port), rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };

  test("answers https, and warns of nothing on another host", async () => {
    const args = ["serve", "--port", "0", "--db", ":memory:", "--json", "--host", "0.0.0.0"];
    const tls = ["--tls-cert", first.certPath, "--tls-key", first.keyPath];
    const running = startCli([...args, ...tls]);
    const { url, ownerKey } = JSON.parse(await running.firstLine()) as Record<string, string>;
    expect(url).toMatch(/^https:/);
    const env = {
      MACHINEID_BASE_URL: String(url).replace("0.0.0.0", "127.0.0.1"),
      MACHINEID_ORG_KEY: ownerKey ?? "",
      NODE_EXTRA_CA_CERTS: first.certPath,
    };
    expect(await runCli(["register", "a"], { env })).toMatchObject({ code: 0 });
    running.process.kill("SIGTERM");
    const { stderr } = await running.finished;
    expect(stderr).not.toContain("warning");
  });

  test("reads its files anew on SIGHUP, and keeps what it has when they are bad, and says so", async () => {
    const certPath = directory.file("served.crt");
    const keyPath = directory.file("served.key");
    const serveWith = (cert: Certificate): void => {
      copyFileSync(cert.certPath, certPath);
      copyFileSync(cert.keyPath, keyPath);
    };
    serveWith(first);
    const running = startCli(["serve", "--port", "0", "--db", ":memory:", "--json"], {
      env: { MACHINEID_TLS_CERT: certPath, MACHINEID_TLS_KEY: keyPath },
    });
    const { url = "" } = JSON.parse(await running.firstLine()) as Record<string, string>;
    expect(await nameServed(url)).toBe("first");
    serveWith(second);
    running.process.kill("SIGHUP");
    await vi.waitUntil(async () => (await nameServed(url)) === "second", { timeout: 10_000 });

    writeFileSync(certPath, "no certificate at all");
    running.process.kill("SIGHUP");
    await running.untilError(/"msg":"certificate not renewed/);
    expect(await nameServed(url)).toBe("second");
    running.process.kill("SIGTERM");
    const { code, stderr } = await running.finished;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/PRIVATE KEY/);
  });

  test("is not begun with files that are not there, or do not belong together", async () => {
    const args = ["serve", "--port", "0", "--db", ":memory:"];
    const pairs = [
      [directory.file("missing.crt"), first.keyPath],
      [first.certPath, second.keyPath],
      [first.keyPath, first.keyPath],
    ];
    for (const [cert = "", key = ""] of pairs) {
      const result = await runCli([...args, "--tls-cert", cert, "--tls-key", key]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^machineid: [^\n]+\n$/);
    }
  });
});

test("a database that other users can read is warned of, and left as it is", async () => {
  using directory = temporaryDirectory();
  const database = directory.file("a.db");
  const quiet = await startServe(database);
  await quiet[Symbol.asyncDispose]();
  expect((await quiet.running.finished).stderr).not.toContain("warning");
  chmodSync(database, 0o644);
  const warned = await startServe(database);
  await warned[Symbol.asyncDispose]();
  expect((await warned.running.finished).stderr).toMatch(/warning: .*0644.*chmod 600/);
});

test("told to stop, it says so at /readyz before it ends", async () => {
  const served = await startServe(":memory:", { env: { MACHINEID_DRAIN_MS: "60000" } });
  served.running.process.kill("SIGTERM");
  await vi.waitUntil(async () => (await fetch(`${served.url}/readyz`)).status === 503);
  const headers = { "x-org-key": served.ownerKey, "content-type": "application/json" };
  const body = '{"deviceId":"a"}';
  const url = `${served.url}/api/v1/devices/validate`;
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
  served.running.process.kill("SIGTERM");
  expect(await served.running.finished).toMatchObject({ code: 143 });
});

test("a key that was sent as something else is in no log", async () => {
  const served = await startServe(":memory:", { env: { MACHINEID_LOG_LEVEL: "trace" } });
  const { ownerKey, url } = served;
  const headers = { "x-org-key": ownerKey, "content-type": "application/json" };
  const body = JSON.stringify({ deviceId: ownerKey });
  await fetch(`${url}/api/v1/devices/validate`, { method: "POST", headers, body });
  await fetch(`${url}/api/v1/devices/register`, { method: "POST", headers, body });
  await fetch(`${url}/${ownerKey}?key=${ownerKey}`, { method: "POST", headers, body });
  await served[Symbol.asyncDispose]();
  const { stderr } = await served.running.finished;
  expect(stderr).toContain('"deviceId":"org_…"');
  expect(stderr).not.toContain(ownerKey);
});
