import { writeSync } from "node:fs";
import { createGuard, MachineID } from "../../src/index.ts";
import { systemClock } from "../../src/guard/clock.ts";

/*
 * A process that is frozen at the worst instant: after the last reading of the
 * clock that says its lease is good, before the body that this lets begin.
 */

const [baseUrl = "", orgKey = "", deviceId = ""] = process.argv.slice(2);
let readings = 0;
let freezeAt = Number.POSITIVE_INFINITY;

const guard = createGuard(new MachineID({ baseUrl, orgKey }), {
  deviceId,
  enforcement: "lease",
  clock: {
    monotonicMs: () => systemClock.monotonicMs(),
    wallMs() {
      const now = systemClock.wallMs();
      readings += 1;
      if (readings === freezeAt) process.kill(process.pid, "SIGSTOP");
      return now;
    },
  },
});

/** Writes when a body began, and its token. */
const work = (): Promise<void> =>
  guard.protect({ kind: "task", name: "beat" }, async (_signal, { fence }) => {
    writeSync(1, `${JSON.stringify({ at: String(process.hrtime.bigint()), fence })}\n`);
  });

await guard.start();
// How often a piece of work reads the clock, so that the next is frozen at its last reading.
const before = readings;
await work();
freezeAt = readings + (readings - before);
await work();
let refused = "";
await work().catch((error: Error) => (refused = error.name));
writeSync(1, `${JSON.stringify({ refused })}\n`);
process.exit(0);
