import { post } from "./support/authority-calls.ts";
import type { BenchAuthority } from "./support/authority-calls.ts";
import { interleave, ratioOf } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadOrder, LoadReport } from "./support/http-load.ts";
import { isPinned, startPeer } from "./support/process.ts";
import type { Peer } from "./support/process.ts";

/**
 * `validate` over HTTP, its audit entry committed before the answer and with no
 * allow in the audit, beside a bare node:http server that only looks a device up in
 * a Map. All serve on one core, the load comes from another, in turns.
 */

/** An authority answers at least this share of what the bare server does, */
const TARGET = 0.7;
/** and one that keeps no allows in its audit this. */
const TARGET_UNAUDITED = 0.8;
const ROUNDS = 15;
const ROUND_MS = 700;
const CONNECTIONS = 64;

const deviceIds = Array.from(
  { length: CONNECTIONS },
  (_, device) => `worker:bench:http:${String(device).padStart(2, "0")}`,
);
const bodies = deviceIds.map((deviceId) => JSON.stringify({ deviceId }));

/** What is measured: answers `validate` at a port, for a key. */
interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly key: string;
  /** Of what the bare server does. */
  readonly target?: number;
}

async function contestantOf(peer: Peer, name: string, target: number): Promise<Contestant> {
  const authority = await peer.hear<BenchAuthority>();
  for (const deviceId of deviceIds) await post(authority, "devices/register", { deviceId });
  return { name, port: authority.port, key: authority.ownerKey, target };
}

/** Measures, prints, and answers whether the targets were met. */
export async function benchValidateHttp(): Promise<boolean> {
  await using bare = startPeer("bare-server.ts", DISK_CORE);
  await using audited = startPeer("authority-server.ts", DISK_CORE);
  await using silent = startPeer("authority-server.ts", DISK_CORE, ["none"]);
  await using load = startPeer("http-load.ts", OTHER_CORE);
  const { port } = await bare.hear<{ port: number }>();
  const contestants: readonly Contestant[] = [
    { name: "bare node:http", port, key: "none" },
    await contestantOf(audited, "authority", TARGET),
    await contestantOf(silent, "no allow audited", TARGET_UNAUDITED),
  ];
  const run = (contestant: Contestant, milliseconds: number): Promise<LoadReport> =>
    load.ask<LoadReport>({
      port: contestant.port,
      connections: CONNECTIONS,
      milliseconds,
      path: "/api/v1/devices/validate",
      headers: { "x-org-key": contestant.key },
      bodies,
      expect: '"allowed":true',
    } satisfies LoadOrder);

  for (const contestant of contestants) await run(contestant, 4 * ROUND_MS);
  const reports = new Map<string, LoadReport>();
  const measured = await interleave(contestants, ROUNDS, async (contestant) => {
    const report = await run(contestant, ROUND_MS);
    reports.set(contestant.name, report);
    return report.requestsPerSecond;
  });
  const [base] = measured;
  if (base === undefined) throw new Error("nothing was measured");

  let areMet = true;
  const lines = measured.map((each, place) => {
    const { p50 = 0, p99 = 0 } = reports.get(each.name) ?? {};
    const line = `  ${each.name.padEnd(18)}${Math.round(each.median)} requests/s   p50 ${Math.round(p50)} µs   p99 ${Math.round(p99)} µs`;
    const { target } = contestants[place] ?? {};
    if (target === undefined) return line;
    const { ratio, lowest, highest } = ratioOf(each, base);
    areMet &&= ratio >= target;
    const range = `rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)}`;
    return `${line}   ${ratio.toFixed(2)} (${range}), target ${target.toFixed(2)}: ${ratio >= target ? "met" : "missed"}`;
  });
  const pinned = isPinned() ? "" : ", not pinned to cores";
  process.stdout.write(
    `validate over HTTP, ${CONNECTIONS} connections, ${ROUNDS} rounds${pinned}\n${lines.join("\n")}\n`,
  );
  return areMet;
}

if (import.meta.main) process.exitCode = (await benchValidateHttp()) ? 0 : 1;
