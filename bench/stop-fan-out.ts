import { each, nameOf, post, sharedNow } from "./support/authority-calls.ts";
import type { BenchAuthority } from "./support/authority-calls.ts";
import { median, quantile } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadOrder, LoadReport, LoadSample } from "./support/http-load.ts";
import type { FleetOrder, FleetStopped } from "./support/lease-fleet-client.ts";
import { startPeer } from "./support/process.ts";
import type { Peer } from "./support/process.ts";

/**
 * From a stop being sent to the last of many connected guards denying: each on a
 * connection of its own, all of them in one lean process on the other core, whose own
 * work is part of what is measured. Once as a revoke of one device that all hold, once
 * as a stop of an org in which each holds its own. Beside it, what it takes at the
 * least here: a loop that writes the same bytes to as many of the same guards. And
 * what validate costs while a stop reaches all, and until all hold leases again.
 */
const GUARDS = Number(process.argv[2] ?? 10_000);
const STOPS = Number(process.argv[3] ?? 200);
const KINDS = (process.argv[4] ?? "device,org").split(",");
const TARGET_P50_MS = 100;
const TARGET_P99_MS = 150;
const TARGET_RATIO = 2;
const WARM_UP = 5;
/** The bare loop is measured once in so many stops. */
const LEAST_EVERY = 4;
const LOAD_MS = 5_000;
const LOAD_CONNECTIONS = 64;
const FREE = "worker:bench:free:1";

/** How long after a stop was sent each of them happened, in milliseconds. */
type Times = Readonly<Record<"first" | "last" | "known", number[]>>;

/** From when to when a stop reached all, by the clock that processes share. */
interface Reached {
  readonly sentMs: number;
  readonly lastMs: number;
}

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
  const times: Times = { first: [], last: [], known: [] };
  const stop = async (): Promise<Reached> => {
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
    return { sentMs, lastMs };
  };
  await using least = await startLeast();
  const leastMs: number[] = [];
  for (let turn = 0; turn < WARM_UP + STOPS; turn += 1) {
    await stop();
    if (turn % LEAST_EVERY > 0) continue;
    const ms = await least.measure();
    if (turn >= WARM_UP) leastMs.push(ms);
  }
  report(kind.name, times, leastMs);
  if (kind.stop[0] !== "devices/revoke") return;
  await tell({ order: "yield" });
  await benchValidate(authority, stop);
}

/** A loop that writes to as many, and how long until the last of them has read it. */
async function startLeast(): Promise<AsyncDisposable & { measure(): Promise<number> }> {
  const server = startPeer("push-server.ts", DISK_CORE);
  const fleet = startPeer("lease-fleet-client.ts", OTHER_CORE);
  const tell = <Answer>(order: FleetOrder): Promise<Answer> => fleet.ask<Answer>(order);
  const { port } = await server.hear<{ port: number }>();
  await tell({ order: "open", port, key: "", devices: own.map(() => deviceId) });
  return {
    async measure() {
      await tell({ order: "arm" });
      const sentMs = sharedNow();
      const stopped = tell<FleetStopped>({ order: "stopped" });
      await server.ask({});
      return (await stopped).lastMs - sentMs;
    },
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function report(name: string, times: Times, leastMs: readonly number[]): void {
  const spread = (all: readonly number[]): string =>
    `median ${median(all).toFixed(1)} ms, p99 ${quantile(all, 0.99).toFixed(1)} ms`;
  const measured = (all: readonly number[]): readonly number[] => all.slice(WARM_UP);
  const last = measured(times.last);
  isMissed ||= median(last) > TARGET_P50_MS || quantile(last, 0.99) > TARGET_P99_MS;
  process.stdout.write(
    [
      `${name}, ${STOPS} times`,
      `  the first denies after        ${spread(measured(times.first))}`,
      `  the last denies after         ${spread(last)} (targets ${TARGET_P50_MS}, ${TARGET_P99_MS})`,
      `  a bare loop of writes         ${spread(leastMs)}: the median is ${(median(last) / median(leastMs)).toFixed(2)} x that`,
      `  known to have drained after   ${spread(measured(times.known))}`,
      "",
    ].join("\n"),
  );
}

/** Validate while nothing is stopped, and while one stop and restore follows the other. */
async function benchValidate(
  authority: BenchAuthority,
  stop: () => Promise<Reached>,
): Promise<void> {
  await using load = startPeer("http-load.ts", OTHER_CORE);
  await validate(load, authority, LOAD_MS / 5);
  const quiet = await validate(load, authority, LOAD_MS);
  const untilMs = sharedNow() + LOAD_MS;
  const stopping = validate(load, authority, LOAD_MS);
  const stops: Reached[] = [];
  while (sharedNow() < untilMs) stops.push(await stop());
  const all = await stopping;
  const meanwhile = all.filter(({ atMs, latencyMs }) =>
    stops.some(({ sentMs, lastMs }) => atMs > sentMs && atMs - latencyMs < lastMs),
  );
  const ratio = p99Of(meanwhile) / p99Of(quiet);
  isMissed ||= ratio > TARGET_RATIO;
  process.stdout.write(
    [
      `  validate meanwhile, p99       ${ratio.toFixed(2)} x quiet (target ${TARGET_RATIO}): ` +
        `${p99Of(meanwhile).toFixed(1)} and ${p99Of(quiet).toFixed(1)} ms`,
      `  and until all have leases     ${(p99Of(all) / p99Of(quiet)).toFixed(2)} x quiet: ${p99Of(all).toFixed(1)} ms`,
      "",
    ].join("\n"),
  );
}

function p99Of(samples: readonly LoadSample[]): number {
  const latencies = samples.map(({ latencyMs }) => latencyMs);
  return quantile(latencies, 0.99);
}

async function validate(
  load: Peer,
  { port, ownerKey }: BenchAuthority,
  milliseconds: number,
): Promise<readonly LoadSample[]> {
  const order: LoadOrder = {
    port,
    connections: LOAD_CONNECTIONS,
    milliseconds,
    path: "/api/v1/devices/validate",
    headers: { "x-org-key": ownerKey },
    bodies: [JSON.stringify({ deviceId: FREE })],
    expect: '"allowed":true',
    sampled: 4,
  };
  return (await load.ask<LoadReport>(order)).samples ?? [];
}
