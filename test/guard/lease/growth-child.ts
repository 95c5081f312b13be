import { createGuard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";

/**
 * Makes as many checks under a lease as it is told to, and prints by how many bytes
 * the heap grew over the second half of them.
 */
const calls = Number(process.argv[2]);
const TOOL = { kind: "tool", name: "search" } as const;

const leases = scriptedLeases();
const guard = createGuard(leases.client, {
  deviceId: "a",
  enforcement: "lease",
  register: false,
  onEvent: () => undefined,
});
await guard.start();
const run = guard.run();

async function checkAll(count: number): Promise<void> {
  for (let call = 0; call < count; call += 1) {
    // The lease is renewed by a timer, which gets its turn now and then.
    if (call % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (call % 10 === 0) await guard.protect(TOOL, () => call);
    else if (call % 10 === 1) await guard.check(TOOL);
    else await run.check(TOOL);
  }
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await checkAll(calls / 2);
// What finalizers let go of is gone after a turn.
heapBytes();
await new Promise((resolve) => setImmediate(resolve));
const before = heapBytes();
await checkAll(calls / 2);
heapBytes();
await new Promise((resolve) => setImmediate(resolve));
process.stdout.write(String(heapBytes() - before));
await guard.close();
