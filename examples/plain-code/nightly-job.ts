/**
 * A job that a scheduler calls: `guardFunction` puts the gate on the function,
 * so that no schedule, retry or second caller can go round it. A night on which
 * the device is stopped is skipped, and says so.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import { guardFunction } from "../../src/index.ts";
import { createGuard, findExecutionStopped, MachineID } from "../../src/index.ts";

const DEVICE_ID = "example:plain-code:nightly:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

class Reports {
  readonly written: string[] = [];

  /** Asks, and then writes: the method keeps its `this`. */
  readonly writeFor = guardFunction(
    guard,
    { kind: "task", name: "nightly_report" },
    async (night: string, { signal }: { signal: AbortSignal }) => {
      signal.throwIfAborted();
      this.written.push(night);
    },
  );
}

const reports = new Reports();
const log: string[] = [];

/** Stands for a scheduler, which logs what a job throws and carries on. */
async function schedule(nights: readonly string[]): Promise<void> {
  for (const night of nights) {
    if (night === "tuesday") await client.revoke(DEVICE_ID);
    if (night === "thursday") await client.unrevoke(DEVICE_ID);
    try {
      await reports.writeFor(night, { signal: AbortSignal.timeout(10_000) });
    } catch (error) {
      log.push(`${night}: ${findExecutionStopped(error)?.code ?? String(error)}`);
    }
  }
}

await schedule(["monday", "tuesday", "wednesday", "thursday"]);
assert.deepEqual(reports.written, ["monday", "thursday"]);
assert.deepEqual(log, ["tuesday: DEVICE_REVOKED", "wednesday: DEVICE_REVOKED"]);
process.stdout.write(`written: ${reports.written.join(", ")}; skipped: ${log.join("; ")}\n`);
await guard.close();
