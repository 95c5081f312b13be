import { interleave, ratioOf } from "./support/compare.ts";
import type { Measured } from "./support/compare.ts";
import { isPinned, startPeer } from "./support/process.ts";

/**
 * One strict check with nothing else going on: how long it takes beside a bare
 * TCP round trip, and what processor time it costs beside a bare fetch.
 */
const ROUNDS = 11;
const TARGET_LATENCY = 1.5;
const TARGET_CPU = 0.25;

interface Sample {
  readonly p50Us: number;
  readonly cpuUs: number;
}

await using server = startPeer("loopback-servers.ts", 1);
const ports = await server.hear<{ echo: number; http: number }>();
const names = ["TCP echo", "strict check", "strict check by fetch", "bare fetch"];
// A process for each: what one leaves behind, garbage above all, is not another's cost.
await using stack = new AsyncDisposableStack();
const contestants = names.map((name) => {
  const args = [name, String(ports.echo), String(ports.http)];
  const client = stack.use(startPeer("check-client.ts", 0, args));
  return { name, client, cpuUs: [] as number[] };
});
for (const { client } of contestants) await client.ask<Sample>({});
const latencies = await interleave(contestants, ROUNDS, async ({ client, cpuUs }) => {
  const sample = await client.ask<Sample>({});
  cpuUs.push(sample.cpuUs);
  return sample.p50Us;
});
const costs = contestants.map(({ name, cpuUs }): Measured => {
  const sorted = cpuUs.toSorted((a, b) => a - b);
  return { name, values: cpuUs, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN };
});

const named = (all: readonly Measured[], name: string): Measured => {
  const found = all.find((measured) => measured.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
};
const latency = ratioOf(named(latencies, "strict check"), named(latencies, "TCP echo"));
const cost = ratioOf(named(costs, "strict check"), named(costs, "bare fetch"));
const isMet = latency.ratio <= TARGET_LATENCY && cost.ratio <= TARGET_CPU;

const range = ({ lowest, highest }: { lowest: number; highest: number }): string =>
  `(rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
const lines = [
  `one check at a time, ${ROUNDS} rounds${isPinned() ? "" : ", not pinned to cores"}`,
  ...latencies.map(({ name, median }) => {
    const cpu = named(costs, name).median;
    return `  ${name.padEnd(22)} p50 ${median.toFixed(0)} µs, processor ${cpu.toFixed(0)} µs`;
  }),
  `  latency ${latency.ratio.toFixed(2)} × a TCP echo ${range(latency)}, target ${TARGET_LATENCY}`,
  `  processor ${cost.ratio.toFixed(2)} × a bare fetch ${range(cost)}, target ${TARGET_CPU}`,
  `  ${isMet ? "met" : "missed"}`,
];
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = isMet ? 0 : 1;
