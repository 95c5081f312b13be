import { createGuard } from "../src/index.ts";
import { Timekeeper, systemClock } from "../src/guard/clock.ts";
import { HeldDevice, RequestNumbers } from "../src/guard/held-device.ts";
import { LeasedDevice } from "../src/guard/lease/leased-device.ts";
import { interleave } from "./support/compare.ts";
import { leasingClient } from "./support/leasing-client.ts";

/**
 * One check under a lease: awaited, in a run, with a listener for events; and the
 * decision alone, both clocks read. Beside them what an `await` costs anyway.
 */
const ROUNDS = 11;
const CALLS = 200_000;
const TARGET_AWAITED_NS = 250;
const TARGET_DECISION_NS = 100;

const TOOL = { kind: "tool", name: "bench" } as const;
let events = 0;
const guard = createGuard(leasingClient(), {
  deviceId: "bench",
  enforcement: "lease",
  register: false,
  onEvent: () => (events += 1),
});
await guard.start();
const run = guard.run();

const time = new Timekeeper(systemClock);
const numbers = new RequestNumbers();
const device = new LeasedDevice(new HeldDevice("bench", numbers), time);
const verdict = {
  outcome: "allowed",
  code: "ALLOW",
  requestId: "r",
  version: 1,
  validMs: 10_000,
} as const;
const hold = (): void => {
  device.grant({ verdict, sentAt: time.now(), n: numbers.next() }, 10_000);
};

const contestants: { name: string; measure: () => Promise<void> }[] = [
  {
    name: "await of a settled promise",
    measure: async () => {
      for (let call = 0; call < CALLS; call += 1) await Promise.resolve(call);
    },
  },
  {
    name: "run.check, awaited",
    measure: async () => {
      for (let call = 0; call < CALLS; call += 1) await run.check(TOOL);
    },
  },
  {
    name: "guard.check, awaited",
    measure: async () => {
      for (let call = 0; call < CALLS; call += 1) await guard.check(TOOL);
    },
  },
  {
    name: "run.protect, awaited",
    measure: async () => {
      for (let call = 0; call < CALLS; call += 1) await run.protect(TOOL, () => call);
    },
  },
  {
    name: "decision alone",
    measure: async () => {
      hold();
      for (let call = 0; call < CALLS; call += 1) {
        if (device.decision(time.now()) === undefined) throw new Error("out of lease");
      }
    },
  },
];

const sample = async ({ measure }: { measure: () => Promise<void> }): Promise<number> => {
  // Timers get their turn: the lease is renewed by one.
  await new Promise((resolve) => setImmediate(resolve));
  // Time of this thread's, which other processes on the machine do not lengthen.
  const before = process.threadCpuUsage();
  await measure();
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * 1000) / CALLS;
};
for (const contestant of contestants) await sample(contestant);
const measured = await interleave(contestants, ROUNDS, sample);
await guard.close();
if (events < CALLS) throw new Error("the listener was not called");

const medianOf = (name: string): number =>
  measured.find((each) => each.name === name)?.median ?? Number.NaN;
const isMet =
  medianOf("run.check, awaited") <= TARGET_AWAITED_NS &&
  medianOf("decision alone") <= TARGET_DECISION_NS;
const lines = [
  `a check under a lease, ${ROUNDS} rounds of ${CALLS} calls`,
  ...measured.map(({ name, median, values }) => {
    const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
    return `  ${name.padEnd(28)} ${median.toFixed(0)} ns (rounds ${range})`;
  }),
  `  targets: run.check ${TARGET_AWAITED_NS} ns, decision ${TARGET_DECISION_NS} ns: ${isMet ? "met" : "missed"}`,
];
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = isMet ? 0 : 1;
