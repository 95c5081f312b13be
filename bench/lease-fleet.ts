import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { each, nameOf, post } from "./support/authority-calls.ts";
import type { BenchAuthority } from "./support/authority-calls.ts";
import type { CheckOrder, CheckReport } from "./support/check-load.ts";
import { ratioOf, interleave } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadReport } from "./support/http-load.ts";
import { startPeer } from "./support/process.ts";
import type { Peer } from "./support/process.ts";

/**
 * A fleet of lease channels on one process: what one costs in memory, and how long all
 * of them take to renew. And strict checks over one channel, 64 waiting, beside a bare
 * node:http server: asked for by a lean client, by a guard for each device, and by one
 * guard, in processes on the other core. Every allow is committed to disk before it is
 * answered; the lean client also asks an authority that keeps no allows in its audit.
 */

/** Strict checks over the channel: at least so many times what the bare server answers. */
const TARGET = 3.5;
/** Memory of a connected guard: at most. */
const TARGET_KIB = 12;
const SESSIONS = Number(process.argv[2] ?? 10_000);
const WAITING = 64;
const ROUNDS = 15;
const ROUND_MS = 700;

async function open(
  { port, ownerKey }: BenchAuthority,
  devices: readonly string[],
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/leases`, {
    headers: { "x-org-key": ownerKey },
    perMessageDeflate: false,
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "hello", session: randomUUID(), devices }));
  return socket;
}

async function benchFleet(): Promise<boolean> {
  await using peer = startPeer("authority-server.ts", DISK_CORE);
  const authority = await peer.hear<BenchAuthority>();
  const memory = async (): Promise<number> => (await peer.ask<{ rss: number }>("memory")).rss;
  await each(SESSIONS, (index) => post(authority, "devices/register", { deviceId: nameOf(index) }));
  const before = await memory();
  const fleet: WebSocket[] = [];
  const began = performance.now();
  await each(SESSIONS, async (index) => {
    const socket = await open(authority, [nameOf(index)]);
    const granted = once(socket, "message");
    socket.send(JSON.stringify({ type: "renew", n: 1 }));
    await granted;
    fleet.push(socket);
  });
  const connectedMs = performance.now() - began;
  const perSession = ((await memory()) - before) / SESSIONS;

  const renewing = performance.now();
  const renewed = fleet.map((socket) => once(socket, "message"));
  for (const socket of fleet) socket.send(JSON.stringify({ type: "renew", n: 2 }));
  await Promise.all(renewed);
  const renewedMs = performance.now() - renewing;

  process.stdout.write(
    [
      `${SESSIONS} lease channels on one core`,
      `  connected, first lease        ${connectedMs.toFixed(0)} ms`,
      `  memory of one                 ${(perSession / 1024).toFixed(1)} KiB (target ${TARGET_KIB})`,
      `  all renewed at once           ${renewedMs.toFixed(0)} ms`,
      "",
    ].join("\n"),
  );
  for (const socket of fleet) socket.terminate();
  return perSession / 1024 <= TARGET_KIB;
}

async function benchChecks(): Promise<boolean> {
  await using bare = startPeer("bare-server.ts", DISK_CORE);
  await using peer = startPeer("authority-server.ts", DISK_CORE);
  await using silent = startPeer("authority-server.ts", DISK_CORE, ["none"]);
  await using load = startPeer("http-load.ts", OTHER_CORE);
  const { port } = await bare.hear<{ port: number }>();
  const devices = Array.from({ length: WAITING }, (_, index) => nameOf(index));
  const accessTo = async (asked: Peer): Promise<readonly string[]> => {
    const authority = await asked.hear<BenchAuthority>();
    await each(WAITING, (index) =>
      post(authority, "devices/register", { deviceId: devices[index] }),
    );
    return [String(authority.port), authority.ownerKey, ...devices];
  };
  const access = await accessTo(peer);
  const unaudited = await accessTo(silent);
  await using lean = startPeer("check-load.ts", OTHER_CORE, ["channel", ...access]);
  await using leanUnaudited = startPeer("check-load.ts", OTHER_CORE, ["channel", ...unaudited]);
  await using guards = startPeer("check-load.ts", OTHER_CORE, ["guards", ...access]);
  await using guard = startPeer("check-load.ts", OTHER_CORE, ["guard", ...access]);
  const checks = async (by: Peer, milliseconds: number): Promise<number> => {
    const order: CheckOrder = { milliseconds };
    return (await by.ask<CheckReport>(order)).checksPerSecond;
  };
  const run = {
    "bare node:http": async (milliseconds: number) => {
      const report = await load.ask<LoadReport>({
        port,
        connections: WAITING,
        milliseconds,
        path: "/",
        headers: {},
        bodies: [JSON.stringify({ deviceId: "worker:bench:http:00" })],
        expect: '"allowed":true',
      });
      return report.requestsPerSecond;
    },
    "strict checks over the channel": (milliseconds: number) => checks(lean, milliseconds),
    "with no allow in the audit": (milliseconds: number) => checks(leanUnaudited, milliseconds),
    "by a guard for each": (milliseconds: number) => checks(guards, milliseconds),
    "by one guard": (milliseconds: number) => checks(guard, milliseconds),
  };
  const contestants = Object.entries(run).map(([name, measure]) => ({ name, measure }));
  for (const { measure } of contestants) await measure(2 * ROUND_MS);
  const [base, ...measured] = await interleave(contestants, ROUNDS, ({ measure }) =>
    measure(ROUND_MS),
  );
  if (base === undefined) throw new Error("nothing was measured");
  const ratios = measured.map((each) => ({ name: each.name, ...ratioOf(each, base) }));
  const lines = [
    `strict checks, ${WAITING} waiting, by the second: ${base.median.toFixed(0)} of bare node:http`,
    ...ratios.map(({ name, ratio, lowest, highest }) => {
      const range = `(rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
      return `  ${name.padEnd(31)} ${ratio.toFixed(2)} x that ${range}`;
    }),
    `  target of the first ${TARGET}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return (ratios[0]?.ratio ?? 0) >= TARGET;
}

const isLean = await benchFleet();
const isQuick = await benchChecks();
process.exitCode = isLean && isQuick ? 0 : 1;
