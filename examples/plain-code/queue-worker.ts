/**
 * A worker takes jobs from a queue, one run each. When its device is stopped it
 * begins no job, gives the job that was refused in the middle back, and ends.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import {
  createGuard,
  ExecutionDeniedError,
  findExecutionStopped,
  MachineID,
} from "../../src/index.ts";
import type { Run } from "../../src/index.ts";

const DEVICE_ID = "example:plain-code:worker:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

const queue = ["ada", "grace", "barbara"];
const written: string[] = [];

/** Two steps, each behind the gate. The step is told to stop through its signal. */
async function work(run: Run, job: string): Promise<void> {
  const draft = await run.protect({ kind: "model", name: "draft" }, async () => {
    if (job === "grace") await client.revoke(DEVICE_ID);
    return `Dear ${job}`;
  });
  await run.protect({ kind: "side_effect", name: "write" }, (signal) => {
    signal.throwIfAborted();
    written.push(draft);
  });
}

/** Works until the queue is empty or the device is stopped; resolves with the refusal, if any. */
async function drain(): Promise<ExecutionDeniedError | undefined> {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const run = guard.run();
    try {
      await run.check({ kind: "task", name: job });
      await work(run, job);
    } catch (error) {
      const stopped = findExecutionStopped(error);
      if (stopped === undefined) throw error;
      queue.unshift(job);
      // An outage is no reason to end for ever: a real worker would wait, and ask again.
      if (ExecutionDeniedError.isInstance(stopped)) return stopped;
    }
  }
  return undefined;
}

const stopped = await drain();
assert.equal(stopped?.code, "DEVICE_REVOKED");
assert.deepEqual(stopped?.boundary, { kind: "side_effect", name: "write" });
assert.deepEqual(written, ["Dear ada"]);
assert.deepEqual(queue, ["grace", "barbara"]);

queue[0] = "grace again";
await client.unrevoke(DEVICE_ID);
assert.equal(await drain(), undefined);
assert.deepEqual(written, ["Dear ada", "Dear grace again", "Dear barbara"]);
process.stdout.write(
  `stopped after ${written[0]}; restored, and finished: ${written.length} written\n`,
);
await guard.close();
