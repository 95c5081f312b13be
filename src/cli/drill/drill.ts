import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineID } from "../../client/index.ts";
import { readFeatures } from "../../wire/features.ts";
import { metaAnswerSchema, orgStateAnswerSchema } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { listDevices } from "../list-devices.ts";
import { paint, print, printable, printError, printJson, table } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { CanaryProcess } from "./canary-process.ts";
import type { CanaryProcessOptions } from "./canary-process.ts";
import { revokeAndMeasure } from "./round.ts";
import type { Round } from "./round.ts";
import { histogram, summarize } from "./statistics.ts";

export interface DrillOptions {
  readonly client: MachineID;
  readonly canary: Omit<CanaryProcessOptions, "file">;
  readonly count: number;
  readonly json: boolean;
}

/** Longest that a strict answer is good, and so may still be on its way, in milliseconds. */
const STRICT_MS = 2000;
/** For clocks that differ, and for the way there and back. */
const CLOCK_SHARE = 1.02;
const WAY_MS = 1000;

/**
 * Revokes a canary again and again, and measures how fast it obeys. The canary is
 * restored whatever happens.
 *
 * @throws {@link CommandError} when this cannot be done here, before anything is revoked
 */
export async function runDrill(options: DrillOptions): Promise<ExitCode> {
  const { client, canary: canaryOptions, count, json } = options;
  const { deviceId } = canaryOptions;
  const signal = stopSignal();
  const boundMs = await boundOf(client);
  await refuseWhatCannotBeRestored(client, deviceId);
  const directory = mkdtempSync(join(tmpdir(), "machineid-drill-"));
  const rounds: Round[] = [];
  try {
    const file = join(directory, "side-effects");
    await using canary = await CanaryProcess.start({ ...canaryOptions, file });
    await canary.begin(signal);
    if (!json)
      print(`Drilling ${printable(deviceId)}: ${count} ${count === 1 ? "round" : "rounds"}`);
    let isRevoked = false;
    try {
      while (rounds.length < count && !signal.aborted) {
        if (rounds.length > 0) await canary.begin(signal);
        isRevoked = true;
        rounds.push(await revokeAndMeasure({ client, deviceId, canary, boundMs, signal }));
        await restore(client, deviceId);
        isRevoked = false;
      }
    } finally {
      if (isRevoked) await restore(client, deviceId);
      if (!json) print(`${printable(deviceId)} is restored`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (rounds.length > 0) tell(deviceId, rounds, boundMs, json);
  if (signal.aborted) return EXIT.interrupted;
  return rounds.every(({ broken }) => broken.length === 0) ? EXIT.ok : EXIT.error;
}

/** How long a stop may take here until nothing begins any more, in milliseconds. */
async function boundOf(client: MachineID): Promise<number> {
  const { status, body } = await client.request("meta");
  const ttlMs = metaAnswerSchema.safeParse(body).data?.lease?.ttl_ms;
  if (readFeatures(status, body).includes("lease") && ttlMs !== undefined) {
    return Math.ceil(Math.max(ttlMs, STRICT_MS) * CLOCK_SHARE) + WAY_MS;
  }
  throw new CommandError(
    "This authority gives no leases, so it cannot say when a stop is fenced, and there is nothing to measure",
    { exitCode: EXIT.error, code: "LEASES_UNAVAILABLE" },
  );
}

async function refuseWhatCannotBeRestored(client: MachineID, deviceId: string): Promise<void> {
  const { devices = [] } = await listDevices(client, deviceId);
  if (devices.some((device) => device.deviceId === deviceId && device.revoked)) {
    throw new CommandError(
      `${printable(deviceId)} is revoked. Restore it, if nobody meant it to be, or drill with another device`,
      { exitCode: EXIT.denied, code: "DEVICE_REVOKED" },
    );
  }
  // Tried before anything is revoked: whoever may not restore may not drill. The canary may be new.
  const answer = await client.request("unrevoke", { deviceId, reason: "drill" });
  if (answer.status !== 404) expectDone(answer, `Restoring ${printable(deviceId)}`);
  const { body } = await client.request("readOrg");
  const org = orgStateAnswerSchema.safeParse(body).data;
  if (org?.twoPersonRestore !== true) return;
  throw new CommandError(
    "The org's policy wants two keys for a restore, so a drill could not end",
    {
      exitCode: EXIT.error,
      code: "RESTORE_PENDING",
    },
  );
}

async function restore(client: MachineID, deviceId: string): Promise<void> {
  const body = await client.unrevoke(deviceId, { reason: "drill" });
  const answer = { status: 200, body, requestId: undefined, retryAfterMs: undefined };
  expectDone(answer, `Restoring ${printable(deviceId)}`);
}

const MEASURES = [
  ["fenced", "fencedMs", "nothing can begin any more"],
  ["last side effect", "lastSideEffectMs", "the last one began"],
  ["drained", "drainedMs", "nothing runs any more"],
] as const satisfies readonly (readonly [string, keyof Round, string])[];

function tell(deviceId: string, rounds: readonly Round[], boundMs: number, json: boolean): void {
  const measured = MEASURES.map(([name, field, meaning]) => {
    const samples = rounds.map((round) => round[field]);
    return { name, field, meaning, samples, ...summarize(samples) };
  });
  const broken = rounds.flatMap((round) =>
    round.broken.map((how) => `stop ${round.version}: ${how}`),
  );
  if (json) {
    const summaries = measured.map(({ field, p50, p99, max }) => [field, { p50, p99, max }]);
    printJson({
      deviceId,
      boundMs,
      restored: true,
      ...Object.fromEntries(summaries),
      broken,
      rounds,
    });
    return;
  }
  const rows = measured.map(({ name, meaning, ...summary }) => [
    name,
    ...[summary.p50, summary.p99, summary.max].map((ms) => `${ms.toFixed(1)} ms`),
    meaning,
  ]);
  print(`\n${table([["REVOKE →", "P50", "P99", "MAX", ""], ...rows])}`);
  for (const { name, samples } of measured) {
    print(`\n${name}\n${histogram(samples).join("\n")}`);
  }
  print("");
  for (const how of broken) printError(`machineid: drill: ${how}`);
  print(
    broken.length === 0
      ? `${paint("green", "kept")}: no side effect began after its stop was answered fenced; bound ${boundMs} ms`
      : paint("red", "the promise was broken"),
  );
}
