import { interleave, ratioOf } from "./support/compare.ts";
import type { LoadOrder, LoadReport } from "./support/http-load.ts";
import { isPinned, startPeer } from "./support/process.ts";

/**
 * `validate` over HTTP on PostgreSQL, its audit entry committed before the
 * answer, beside a bare node:http server that only looks a device up in a Map;
 * by one replica, and by two on one database. Each serves on one core, the load
 * comes from another, in turns; the database server runs on both.
 */

/** A replica answers at least this share of what the bare server does. */
const TARGET = 0.45;
const ROUNDS = 11;
const ROUND_MS = 700;
const CONNECTIONS = 64;
const SERVER_CORE = 0;
const LOAD_CORE = 1;
const OWNER_KEY = "org_bench_0123456789abcdef0123456789";

const deviceIds = Array.from(
  { length: CONNECTIONS },
  (_, device) => `worker:bench:http:${String(device).padStart(2, "0")}`,
);
const bodies = deviceIds.map((deviceId) => JSON.stringify({ deviceId }));
const headers = { "x-org-key": OWNER_KEY };

/** Measures, prints, and answers whether the target was met. */
export async function benchValidatePostgres(): Promise<boolean> {
  await using postgres = startPeer("postgres-server.ts", [0, 1]);
  const { url } = await postgres.hear<{ url: string }>();
  await using bare = startPeer("bare-server.ts", SERVER_CORE);
  await using first = startPeer("postgres-authority-server.ts", SERVER_CORE, [url, OWNER_KEY]);
  const { port: barePort } = await bare.hear<{ port: number }>();
  const { port: firstPort } = await first.hear<{ port: number }>();
  await using second = startPeer("postgres-authority-server.ts", LOAD_CORE, [url, OWNER_KEY]);
  const { port: secondPort } = await second.hear<{ port: number }>();
  await using load = startPeer("http-load.ts", LOAD_CORE);
  await using otherLoad = startPeer("http-load.ts", LOAD_CORE);
  for (const body of bodies) {
    await fetch(`http://127.0.0.1:${firstPort}/api/v1/devices/register`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
    });
  }

  const contestants = [
    { name: "bare node:http", ports: [barePort] },
    { name: "one replica", ports: [firstPort] },
    { name: "two replicas", ports: [firstPort, secondPort] },
  ];
  const reports = new Map<string, LoadReport>();
  const run = async (
    { name, ports }: { readonly name: string; readonly ports: readonly number[] },
    milliseconds: number,
  ): Promise<number> => {
    const each = await Promise.all(
      ports.map((port, place) =>
        (place === 0 ? load : otherLoad).ask<LoadReport>({
          port,
          connections: CONNECTIONS / ports.length,
          milliseconds,
          path: "/api/v1/devices/validate",
          headers,
          bodies,
          expect: '"allowed":true',
        } satisfies LoadOrder),
      ),
    );
    const [report] = each;
    if (report !== undefined) reports.set(name, report);
    return each.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  };

  for (const contestant of contestants) await run(contestant, 4 * ROUND_MS);
  const [base, one, two] = await interleave(contestants, ROUNDS, (each) => run(each, ROUND_MS));
  if (base === undefined || one === undefined || two === undefined) {
    throw new Error("nothing was measured");
  }
  const lines = [base, one, two].map(({ name, median }) => {
    const { p50 = 0, p99 = 0 } = reports.get(name) ?? {};
    return `  ${name.padEnd(16)}${Math.round(median)} requests/s   p50 ${Math.round(p50)} µs   p99 ${Math.round(p99)} µs`;
  });
  const { ratio, lowest, highest } = ratioOf(one, base);
  const both = ratioOf(two, base);
  const met = ratio >= TARGET;
  process.stdout.write(
    [
      `validate over HTTP on PostgreSQL, ${CONNECTIONS} connections, ${ROUNDS} rounds${isPinned() ? "" : ", not pinned to cores"}`,
      ...lines,
      `  one replica  ${ratio.toFixed(2)} (rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)}), target ${TARGET.toFixed(2)}: ${met ? "met" : "missed"}`,
      `  two replicas ${both.ratio.toFixed(2)} (rounds ${both.lowest.toFixed(2)} to ${both.highest.toFixed(2)})`,
      "",
    ].join("\n"),
  );
  return met;
}

if (import.meta.main) process.exitCode = (await benchValidatePostgres()) ? 0 : 1;
