import { interleave, ratioOf } from "./support/compare.ts";
import { DISK_CORE, OTHER_CORE } from "./support/cores.ts";
import type { LoadOrder, LoadReport } from "./support/http-load.ts";
import { isPinned, startPeer } from "./support/process.ts";

/**
 * `validate` over HTTP on PostgreSQL, its audit entry committed before the
 * answer, beside a bare node:http server that only looks a device up in a Map;
 * by one replica, by one that leaves allows out of the audit, and by two on one
 * database. Each serves on one core, the load
 * comes from another, in turns; the database server runs on both.
 */

/** A replica answers at least this share of what the bare server does: with its audit, and without. */
const TARGETS = { audited: 0.45, unaudited: 0.7 };
const ROUNDS = 11;
const ROUND_MS = 700;
const CONNECTIONS = 64;
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
  await using bare = startPeer("bare-server.ts", OTHER_CORE);
  await using first = startPeer("postgres-authority-server.ts", OTHER_CORE, [url, OWNER_KEY]);
  const { port: barePort } = await bare.hear<{ port: number }>();
  const { port: firstPort } = await first.hear<{ port: number }>();
  await using second = startPeer("postgres-authority-server.ts", DISK_CORE, [url, OWNER_KEY]);
  await using plain = startPeer("postgres-authority-server.ts", OTHER_CORE, [
    url,
    OWNER_KEY,
    "none",
  ]);
  const { port: plainPort } = await plain.hear<{ port: number }>();
  const { port: secondPort } = await second.hear<{ port: number }>();
  await using load = startPeer("http-load.ts", DISK_CORE);
  await using otherLoad = startPeer("http-load.ts", DISK_CORE);
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
    { name: "without audit", ports: [plainPort] },
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
  const [base, one, unaudited, two] = await interleave(contestants, ROUNDS, (each) =>
    run(each, ROUND_MS),
  );
  if (base === undefined || one === undefined || unaudited === undefined || two === undefined) {
    throw new Error("nothing was measured");
  }
  const lines = [base, one, unaudited, two].map(({ name, median }) => {
    const { p50 = 0, p99 = 0 } = reports.get(name) ?? {};
    return `  ${name.padEnd(16)}${Math.round(median)} requests/s   p50 ${Math.round(p50)} µs   p99 ${Math.round(p99)} µs`;
  });
  const shares = [
    { name: "one replica", ...ratioOf(one, base), target: TARGETS.audited },
    { name: "without audit", ...ratioOf(unaudited, base), target: TARGETS.unaudited },
    { name: "two replicas", ...ratioOf(two, base), target: undefined },
  ];
  process.stdout.write(
    [
      `validate over HTTP on PostgreSQL, ${CONNECTIONS} connections, ${ROUNDS} rounds${isPinned() ? "" : ", not pinned to cores"}`,
      ...lines,
      ...shares.map(shareLine),
      "",
    ].join("\n"),
  );
  return shares.every(({ ratio, target = 0 }) => ratio >= target);
}

interface Share {
  readonly name: string;
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly target: number | undefined;
}

function shareLine({ name, ratio, lowest, highest, target }: Share): string {
  const rounds = `rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)}`;
  const verdict = `, target ${target?.toFixed(2)}: ${ratio >= (target ?? 0) ? "met" : "missed"}`;
  return `  ${name.padEnd(14)}${ratio.toFixed(2)} (${rounds})${target === undefined ? "" : verdict}`;
}

if (import.meta.main) process.exitCode = (await benchValidatePostgres()) ? 0 : 1;
