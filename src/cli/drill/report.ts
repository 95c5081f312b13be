import { paint, print, printError, printJson, table } from "../output.ts";
import type { Round } from "./round.ts";
import { histogram, summarize } from "./statistics.ts";

export interface ReportOptions {
  readonly deviceId: string;
  readonly rounds: readonly Round[];
  /** How long a stop may take until nothing begins, in milliseconds; undefined without leases. */
  readonly boundMs: number | undefined;
  /** Whether the device was registered for the drill, and is no more. */
  readonly removed: boolean;
  readonly json: boolean;
}

type Measure = "answeredMs" | "fencedMs" | "lastSideEffectMs" | "drainedMs";

const MEASURES: readonly (readonly [string, Measure, string])[] = [
  ["answered", "answeredMs", "whoever asks from now on is denied"],
  ["fenced", "fencedMs", "nothing can begin any more"],
  ["last side effect", "lastSideEffectMs", "the last one began"],
  ["drained", "drainedMs", "nothing runs any more"],
];

/** Tells what was measured. @returns whether all that is promised was kept */
export function report({ deviceId, rounds, boundMs, removed, json }: ReportOptions): boolean {
  const measured = MEASURES.map(([name, field, meaning]) => {
    const samples = rounds.map((round) => round[field]).filter((sample) => sample !== null);
    return { name, field, meaning, samples };
  }).filter(({ samples }) => samples.length > 0);
  const broken = rounds.flatMap((round, index) =>
    round.broken.map((how) => `${nameOf(round, index)}: ${how}`),
  );
  if (json) {
    const enforcement = boundMs === undefined ? "strict" : "lease";
    const summaries = measured.map(({ field, samples }) => [field, summarize(samples)]);
    printJson({
      deviceId,
      enforcement,
      boundMs: boundMs ?? null,
      restored: true,
      removed,
      ...Object.fromEntries(summaries),
      broken,
      rounds,
    });
    return broken.length === 0;
  }
  const rows = measured.map(({ name, meaning, samples }) => {
    const { p50, p99, max } = summarize(samples);
    return [name, ...[p50, p99, max].map((ms) => `${ms.toFixed(1)} ms`), meaning];
  });
  print(`\n${table([["REVOKE →", "P50", "P99", "MAX", ""], ...rows])}`);
  for (const { name, samples } of measured) {
    print(`\n${name}\n${histogram(samples).join("\n")}`);
  }
  print("");
  for (const how of broken) printError(`machineid: drill: ${how}`);
  print(broken.length === 0 ? kept(boundMs) : paint("red", "the promise was broken"));
  return broken.length === 0;
}

const kept = (boundMs: number | undefined): string =>
  boundMs === undefined
    ? `${paint("green", "kept")}: no check that began after the answer was allowed. This authority gives no leases, and so does not say when nothing can begin any more`
    : `${paint("green", "kept")}: no side effect began after its stop was answered fenced; bound ${boundMs} ms`;

const nameOf = ({ version }: Round, index: number): string =>
  version === null ? `round ${index + 1}` : `stop ${version}`;
