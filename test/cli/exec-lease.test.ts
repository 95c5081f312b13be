import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { runExec } from "../../src/cli/exec/exec.ts";
import type { ExecOptions } from "../../src/cli/exec/exec.ts";
import type { Answer, GuardClient } from "../../src/index.ts";
import { scriptedLeases } from "../support/scripted-leases.ts";
import type { ScriptedLeases } from "../support/scripted-leases.ts";
import { DEVICE, PYTHON } from "./exec-fixture.ts";
import { FAMILY, familyIn, isAlive, readOr, untilWritten } from "./family.ts";
import { temporaryDirectory } from "./spawn.ts";
import type { TemporaryDirectory } from "./spawn.ts";

const META: Answer = {
  status: 200,
  body: { features: ["lease"] },
  requestId: undefined,
  retryAfterMs: undefined,
};

interface Leased {
  readonly leases: ScriptedLeases;
  readonly pids: readonly number[];
  readonly ticks: string;
  readonly exitCode: Promise<number>;
  readonly status: () => Record<string, unknown>;
}

/** A program under a lease, which has begun to write. */
async function leased(
  directory: TemporaryDirectory,
  { program, size }: { program: readonly string[]; size: number },
  change: (leases: ScriptedLeases) => void = () => undefined,
): Promise<Leased> {
  const leases = scriptedLeases();
  change(leases);
  const file = directory.file("pids");
  const client: GuardClient = { ...leases.client, request: async () => META };
  const [command = "", ...args] = program.map((word) => (word === "FILE" ? file : word));
  const options: ExecOptions = {
    client,
    guard: { deviceId: DEVICE, register: false, checkTimeoutMs: 60_000 },
    program: { command, args },
    env: { ...process.env, FILE: file },
    graceMs: 200,
    recheckMs: 60_000,
    isIsolated: false,
    statusFile: directory.file("status.json"),
  };
  const exitCode = runExec(options);
  const pids = await familyIn(file, size);
  await untilWritten(`${file}.ticks`);
  const status = (): Record<string, unknown> =>
    JSON.parse(readOr(directory.file("status.json"))) as Record<string, unknown>;
  return { leases, pids, ticks: `${file}.ticks`, exitCode, status };
}

const python = { program: ["python3", "-c", PYTHON, "FILE"], size: 1 };
const family = { program: ["sh", "-c", FAMILY], size: 5 };

test("a stop that is pushed ends the program, and drained is said when nothing of it is left", async () => {
  using directory = temporaryDirectory();
  const { leases, pids, ticks, exitCode, status } = await leased(directory, family);
  const acks: [string, number][] = [];
  leases.onRequest = (request) => {
    if (request.type !== "ack") return;
    acks.push([request.state, pids.filter((pid) => isAlive(pid)).length]);
  };
  leases.stop(DEVICE);
  expect(await exitCode).toBe(3);
  const written = readOr(ticks).length;
  expect(acks).toEqual([
    ["fenced", 5],
    ["drained", 0],
  ]);
  expect(status()).toMatchObject({ state: "denied", code: "DEVICE_REVOKED", exit_code: 3 });
  expect(readOr(ticks).length).toBe(written);
});

test("a program whose authority is lost goes on to the end of its lease, and no further", async () => {
  using directory = temporaryDirectory();
  const lost = await leased(directory, python, (leases) => {
    leases.ttlMs = 1500;
  });
  lost.leases.refuses = true;
  lost.leases.cut();
  await untilWritten(lost.ticks);
  expect(await lost.exitCode).toBe(4);
  expect(lost.pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(lost.status()).toMatchObject({ state: "unavailable", code: "LEASE_EXPIRED" });
});

test("a connection that is lost and comes back within the lease disturbs nothing", async () => {
  using directory = temporaryDirectory();
  const { leases, ticks, exitCode } = await leased(directory, python);
  const renewals = leases.all("renew").length;
  leases.cut();
  while (leases.all("renew").length === renewals) await untilWritten(ticks);
  await untilWritten(ticks);
  leases.stop(DEVICE);
  expect(await exitCode).toBe(3);
});

const isHeld = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** A program that stands still, because the computer has slept for longer than its lease. */
async function held(directory: TemporaryDirectory): Promise<Leased & { n: number }> {
  const slept = await leased(directory, python);
  const { leases, pids } = slept;
  leases.answers = false;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  // Any news makes the guard look at its clocks.
  leases.stop("another device");
  while (!pids.every((pid) => isHeld(pid))) await delay(5);
  return { ...slept, n: leases.all("renew").at(-1)?.n ?? 0 };
}

test("after a sleep the program stands still until there is an answer, and then goes on", async () => {
  using directory = temporaryDirectory();
  try {
    const { leases, pids, ticks, exitCode, n } = await held(directory);
    leases.answers = true;
    leases.grant(n);
    await untilWritten(ticks);
    expect(pids.filter((pid) => isHeld(pid))).toEqual([]);
    leases.stop(DEVICE);
    expect(await exitCode).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ["is denied", 3, "DEVICE_REVOKED"],
  ["loses its authority", 4, "LEASE_EXPIRED"],
])("a program that stands still and %s does nothing more", async (how, exitsWith, code) => {
  using directory = temporaryDirectory();
  try {
    const { leases, ticks, exitCode, status, n } = await held(directory);
    const written = readOr(ticks).length;
    leases.denied.add(DEVICE);
    if (how === "is denied") leases.grant(n);
    else leases.cut();
    expect(await exitCode).toBe(exitsWith);
    expect(readOr(ticks).length).toBe(written);
    expect(status()).toMatchObject({ code });
  } finally {
    vi.useRealTimers();
  }
});
