import { openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { jumpingClock } from "./jumping-clock.ts";
import type { WorkerOrder } from "./worker-process.ts";

/*
 * A process full of agents. Each writes when a guarded body of it began and when
 * it ended, by the machine's monotonic clock, which all processes share.
 */

const { baseUrl, orgKey, logFile, deviceIds, fault } = JSON.parse(
  process.argv[2] ?? "",
) as WorkerOrder;

/** Pause of an agent between two pieces of work. */
const PAUSE_MS = 15;
/** One piece of work in so many goes on for a while, until its signal ends it. */
const LONG_WORK_EVERY = 20;
const LONG_WORK_MS = 60;

const log = openSync(logFile, "a");
const client = new MachineID({ baseUrl, orgKey });
const clock = jumpingClock();

/** A fault to be found: an agent that keeps the allow it once had. */
const deaf = (guard: Guard): Guard["protect"] => {
  let context: Parameters<Parameters<Guard["protect"]>[1]>[1] | undefined;
  return async (boundary, work) => {
    if (context !== undefined) return work(new AbortController().signal, context);
    return guard.protect(boundary, (signal, given) => {
      context = given;
      return work(signal, given);
    });
  };
};

/** Agents that have not begun anything yet. */
const idle = new Set(deviceIds);

function noteBegun(deviceId: string): void {
  if (idle.delete(deviceId) && idle.size === 0) process.stdout.write("all at work\n");
}

async function live(deviceId: string, place: number): Promise<void> {
  const guard = createGuard(client, { deviceId, enforcement: "lease", clock });
  const protect: Guard["protect"] =
    fault === "deaf" ? deaf(guard) : (boundary, work) => guard.protect(boundary, work);
  for (let turn = place; ; turn += 1) {
    try {
      await protect({ kind: "task", name: "beat" }, async (signal, { fence }) => {
        const at = process.hrtime.bigint();
        writeSync(log, `begin ${deviceId} ${at} ${fence}\n`);
        noteBegun(deviceId);
        if (turn % LONG_WORK_EVERY === 0) {
          await delay(LONG_WORK_MS, undefined, { signal }).catch(() => undefined);
        }
        writeSync(log, `end ${deviceId} ${process.hrtime.bigint()} ${at}\n`);
      });
    } catch {
      // Refused: an agent that does not give up asks again.
    }
    await delay(PAUSE_MS);
  }
}

for (const [place, deviceId] of deviceIds.entries()) void live(deviceId, place);
process.stdin.resume().on("end", () => process.exit(0));
