import { interleave, ratioOf } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadOrder, LoadReport } from "./support/http-load.ts";
import { isPinned, startPeer } from "./support/process.ts";

/**
 * `validate` over HTTP, its audit entry committed before the answer, beside a
 * bare node:http server that only looks a device up in a Map. Both serve on one
 * core, the load comes from another, in turns.
 */

/** The authority answers at least this share of what the bare server does. */
const TARGET = 0.7;
const ROUNDS = 15;
const ROUND_MS = 700;
const CONNECTIONS = 64;

const deviceIds = Array.from(
  { length: CONNECTIONS },
  (_, device) => `worker:bench:http:${String(device).padStart(2, "0")}`,
);
const bodies = deviceIds.map((deviceId) => JSON.stringify({ deviceId }));

/** Measures, prints, and answers whether the target was met. */
export async function benchValidateHttp(): Promise<boolean> {
  await using bare = startPeer("bare-server.ts", DISK_CORE);
  await using authority = startPeer("authority-server.ts", DISK_CORE);
  await using load = startPeer("http-load.ts", OTHER_CORE);
  const { port: barePort } = await bare.hear<{ port: number }>();
  const { port, ownerKey } = await authority.hear<{ port: number; ownerKey: string }>();
  for (const body of bodies) {
    await fetch(`http://127.0.0.1:${port}/api/v1/devices/register`, {
      method: "POST",
      headers: { "x-org-key": ownerKey, "content-type": "application/json" },
      body,
    });
  }

  const contestants = [
    { name: "bare node:http", port: barePort },
    { name: "authority", port },
  ];
  const run = (contestant: { readonly port: number }, milliseconds: number) =>
    load.ask<LoadReport>({
      port: contestant.port,
      connections: CONNECTIONS,
      milliseconds,
      path: "/api/v1/devices/validate",
      headers: { "x-org-key": ownerKey },
      bodies,
      expect: '"allowed":true',
    } satisfies LoadOrder);

  for (const contestant of contestants) await run(contestant, 4 * ROUND_MS);
  const reports = new Map<string, LoadReport>();
  const [base, measured] = await interleave(contestants, ROUNDS, async (contestant) => {
    const report = await run(contestant, ROUND_MS);
    reports.set(contestant.name, report);
    return report.requestsPerSecond;
  });
  if (base === undefined || measured === undefined) throw new Error("nothing was measured");

  const { ratio, lowest, highest } = ratioOf(measured, base);
  const lines = [base, measured].map(({ name, median }) => {
    const { p50 = 0, p99 = 0 } = reports.get(name) ?? {};
    return `  ${name.padEnd(16)}${Math.round(median)} requests/s   p50 ${Math.round(p50)} µs   p99 ${Math.round(p99)} µs`;
  });
  const met = ratio >= TARGET;
  process.stdout.write(
    [
      `validate over HTTP, ${CONNECTIONS} connections, ${ROUNDS} rounds${isPinned() ? "" : ", not pinned to cores"}`,
      ...lines,
      `  ratio ${ratio.toFixed(2)} (rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)}), target ${TARGET.toFixed(2)}: ${met ? "met" : "missed"}`,
      "",
    ].join("\n"),
  );
  return met;
}

if (import.meta.main) process.exitCode = (await benchValidateHttp()) ? 0 : 1;
