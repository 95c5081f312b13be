import { each, nameOf, post, sharedNow } from "./support/authority-calls.ts";
import type { BenchAuthority } from "./support/authority-calls.ts";
import { median, quantile } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadOrder, LoadReport } from "./support/http-load.ts";
import type { FleetOrder, FleetStopped } from "./support/lease-fleet-client.ts";
import { startPeer } from "./support/process.ts";
import type { Peer } from "./support/process.ts";

/**
 * From a stop being sent to the last of many connected guards denying: each on a
 * connection of its own, all of them in one lean process on the other core, whose own
 * work is part of what is measured. Once as a revoke of one device that all hold, once
 * as a stop of an org in which each holds its own. And what validate costs meanwhile.
 */
const GUARDS = Number(process.argv[2] ?? 10_000);
const STOPS = Number(process.argv[3] ?? 200);
const KINDS = (process.argv[4] ?? "device,org").split(",");
const TARGET_P50_MS = 100;
const TARGET_P99_MS = 150;
const TARGET_RATIO = 2;
const WARM_UP = 5;
const LOAD_MS = 5_000;
const LOAD_CONNECTIONS = 64;
const FREE = "worker:bench:free:1";

interface Kind {
  readonly name: string;
  readonly devices: readonly string[];
  readonly stop: readonly [string, object];
  readonly restore: readonly [string, object];
}

const own = Array.from({ length: GUARDS }, (_, index) => nameOf(index));
const deviceId = nameOf(0);
const ALL: Readonly<Record<string, Kind>> = {
  device: {
    name: `a revoke of the device of ${GUARDS}`,
    devices: own.map(() => deviceId),
    stop: ["devices/revoke", { deviceId }],
    restore: ["devices/unrevoke", { deviceId }],
  },
  org: {
    name: `an org stop of ${GUARDS}`,
    devices: own,
    stop: ["org/stop", {}],
    restore: ["org/resume", {}],
  },
};

let isMissed = false;

for (const kind of KINDS) {
  const chosen = ALL[kind];
  if (chosen === undefined) throw new Error(`no such kind: ${kind}`);
  await bench(chosen);
}
process.exitCode = isMissed ? 1 : 0;

async function bench(kind: Kind): Promise<void> {
  await using peer = startPeer("authority-server.ts", DISK_CORE);
  const authority = await peer.hear<BenchAuthority>();
  await using fleet = startPeer("lease-fleet-client.ts", OTHER_CORE);
  const tell = <Answer>(order: FleetOrder): Promise<Answer> => fleet.ask<Answer>(order);
  // All of them, so that the version in what validate answers keeps its length.
  const named = [...own, FREE];
  await each(named.length, (index) =>
    post(authority, "devices/register", { deviceId: named[index] }),
  );
  const { port, ownerKey: key } = authority;
  await tell({ order: "open", port, key, devices: kind.devices });
  const times = { first: [] as number[], last: [] as number[], known: [] as number[] };
  const stop = async (): Promise<void> => {
    const [path, body] = kind.stop;
    await tell({ order: "arm" });
    const sentMs = sharedNow();
    const stopped = tell<FleetStopped>({ order: "stopped" });
    await post(authority, path, { ...body, wait: "drained", timeout_ms: 60_000 });
    times.known.push(sharedNow() - sentMs);
    const { firstMs, lastMs } = await stopped;
    times.first.push(firstMs - sentMs);
    times.last.push(lastMs - sentMs);
    await post(authority, ...kind.restore);
    await tell({ order: "leased" });
  };
  for (let turn = 0; turn < WARM_UP + STOPS; turn += 1) await stop();
  report(kind.name, times);
  if (kind.stop[0] === "devices/revoke") await benchValidate(authority, stop);
}

function report(name: string, times: Readonly<Record<"first" | "last" | "known", number[]>>): void {
  const spread = (all: readonly number[]): string => {
    const values = all.slice(WARM_UP);
    return `median ${median(values).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms`;
  };
  const last = times.last.slice(WARM_UP);
  isMissed ||= median(last) > TARGET_P50_MS || quantile(last, 0.99) > TARGET_P99_MS;
  process.stdout.write(
    [
      `${name}, ${STOPS} times`,
      `  the first denies after        ${spread(times.first)}`,
      `  the last denies after         ${spread(times.last)} (targets ${TARGET_P50_MS}, ${TARGET_P99_MS})`,
      `  known to have drained after   ${spread(times.known)}`,
      "",
    ].join("\n"),
  );
}

/** Validate while nothing is stopped, and while one stop and restore follows the other. */
async function benchValidate(authority: BenchAuthority, stop: () => Promise<void>): Promise<void> {
  await using load = startPeer("http-load.ts", OTHER_CORE);
  await validate(load, authority, LOAD_MS / 5);
  const quiet = await validate(load, authority, LOAD_MS);
  const untilMs = sharedNow() + LOAD_MS;
  const meanwhile = validate(load, authority, LOAD_MS);
  while (sharedNow() < untilMs) await stop();
  const stopping = await meanwhile;
  const ratio = stopping.p99 / quiet.p99;
  isMissed ||= ratio > TARGET_RATIO;
  process.stdout.write(
    `  validate meanwhile, p99       ${ratio.toFixed(2)} x quiet (target ${TARGET_RATIO}): ` +
      `${(stopping.p99 / 1_000).toFixed(1)} and ${(quiet.p99 / 1_000).toFixed(1)} ms\n`,
  );
}

function validate(
  load: Peer,
  { port, ownerKey }: BenchAuthority,
  milliseconds: number,
): Promise<LoadReport> {
  const order: LoadOrder = {
    port,
    connections: LOAD_CONNECTIONS,
    milliseconds,
    path: "/api/v1/devices/validate",
    headers: { "x-org-key": ownerKey },
    bodies: [JSON.stringify({ deviceId: FREE })],
    expect: '"allowed":true',
  };
  return load.ask<LoadReport>(order);
}
