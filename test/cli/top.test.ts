import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createGuard, MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { CLI, cleanEnv, runCli, startCli } from "./spawn.ts";

const env = ({ url, ownerKey }: TestAuthority): Record<string, string> => ({
  MACHINEID_BASE_URL: url,
  MACHINEID_ORG_KEY: ownerKey,
});
const clientOf = ({ url, ownerKey }: TestAuthority): MachineID =>
  new MachineID({ orgKey: ownerKey, baseUrl: url });

test("top --once --json tells of devices, sessions and stops", async () => {
  await using authority = await startTestAuthority();
  const client = clientOf(authority);
  await using guard = createGuard(client, { deviceId: "a", enforcement: "lease" });
  await client.register("b");
  const body = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const work = guard.protect({ kind: "task" }, async () => {
    begun.resolve();
    await body.promise;
  });
  await begun.promise;
  await client.revoke("a", { wait: "fenced" });
  const { code, stdout } = await runCli(["top", "--once", "--json"], { env: env(authority) });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    stopped: false,
    sessions: 1,
    problem: null,
    devices: expect.arrayContaining([
      expect.objectContaining({ deviceId: "a", status: "revoked", sessions: 1, lostSessions: 0 }),
      expect.objectContaining({ deviceId: "b", status: "active", sessions: 0, lostSessions: 0 }),
    ]),
    pendingStops: [{ state: "fenced", holders: 1, fenced: 1, drained: 0, devices: ["a"] }],
  });
  body.resolve();
  await work;
});

test("top --json goes on, counts checks, and shows the last decision", async () => {
  await using authority = await startTestAuthority();
  const client = clientOf(authority);
  await client.register("a");
  const running = startCli(["top", "--json", "--interval-ms", "100"], { env: env(authority) });
  await running.firstLine();
  const state = { isSeen: false };
  const seen = running
    .until(/"code":"ALLOW".*"checksPerSecond":[1-9]/)
    .then(() => (state.isSeen = true));
  while (!state.isSeen) await client.validate("a");
  await seen;
  await client.register("b");
  await using channel = await LeaseClient.holding(authority.url, authority.ownerKey, []);
  const second = { isSeen: false };
  const both = running
    .until(/"deviceId":"b",[^{}]*\{"code":"ALLOW"[^{}]*\},"checksPerSecond":[1-9]/)
    .then(() => (second.isSeen = true));
  while (!second.isSeen) await channel.check(["a", "b"]);
  await both;
  await client.revoke("a");
  await running.until(/"status":"revoked"/);
  running.process.kill("SIGTERM");
  const { code, stderr } = await running.finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("top without a terminal shows one table, on which nothing can act", async () => {
  await using authority = await startTestAuthority();
  const client = clientOf(authority);
  await client.register("worker\u200B:x");
  const { code, stdout } = await runCli(["top", "--interval-ms", "100"], { env: env(authority) });
  expect(code).toBe(0);
  expect(stdout).toMatch(/DEVICE\s+STATUS\s+SESSIONS\s+LAST DECISION/);
  expect(stdout).toContain("worker\\u{200b}:x");
  expect(stdout).not.toContain("\u001B");
});

test("top says so when the authority goes away, and ends with 4 when it never was there", async () => {
  const authority = await startTestAuthority();
  const running = startCli(["top", "--json", "--interval-ms", "100"], { env: env(authority) });
  await running.firstLine();
  await authority.close();
  await running.until(/"problem":"[^"]*not up to date/);
  running.process.kill("SIGINT");
  expect(await running.finished).toMatchObject({ code: 0 });
  expect(await runCli(["top", "--once"], { env: env(authority) })).toMatchObject({ code: 4 });
});

/** A terminal in which `top` runs until a key is pressed. */
const TERMINAL = `
import os, pty, sys, termios
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(fd)
seen = b""
while b"checks/s" not in seen: seen += os.read(fd, 4096)
os.write(fd, sys.argv[1].encode())
try:
    while True:
        data = os.read(fd, 4096)
        if not data: break
        seen += data
except OSError: pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert seen.startswith(b"\\x1b[?1049h\\x1b[?25l"), seen
assert seen.endswith(b"\\x1b[?25h\\x1b[?1049l"), seen
assert before[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO
sys.exit(code)
`;

test.each([
  ["q", "q"],
  ["Ctrl-C", "\u0003"],
])("top on a terminal ends with %s, and leaves it as it was", async (_name, key) => {
  await using authority = await startTestAuthority();
  const terminal = spawn("python3", ["-c", TERMINAL, key, process.execPath, CLI, "top"], {
    env: cleanEnv(env(authority)),
    stdio: ["ignore", "inherit", "pipe"],
  });
  let stderr = "";
  terminal.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  expect(await once(terminal, "close")).toEqual([0, null]);
  expect(stderr).toBe("");
});
