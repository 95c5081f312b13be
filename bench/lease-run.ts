import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { generateText, isStepCount, jsonSchema, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { guardCall } from "../integrations/ai-sdk/index.ts";
import { createGuard } from "../src/index.ts";
import type { Guard } from "../src/index.ts";
import { interleave, ratioOf } from "./support/compare.ts";
import { leasingClient } from "./support/leasing-client.ts";

/**
 * What leases cost a whole agent run, over the same run unguarded: three calls of
 * a model that takes 10 ms, sooner than any real one, and two of a tool that takes
 * none. The work of the processor is told apart. And the memory that a guard under
 * a lease takes in its own process.
 */
const ROUNDS = 11;
const RUNS = 30;
const MODEL_MS = 10;
const TARGET_RATIO = 1.02;
const GUARDS = 1000;

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
type Answered = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;
const textOf = (text: string): Answered => ({
  content: [{ type: "text", text }],
  finishReason: { unified: "stop", raw: "stop" },
  usage,
  warnings: [],
});
const callOf = (step: number): Answered => ({
  content: [{ type: "tool-call", toolCallId: `c${step}`, toolName: "look", input: "{}" }],
  finishReason: { unified: "tool-calls", raw: "tool_use" },
  usage,
  warnings: [],
});

function work(): Parameters<typeof generateText>[0] {
  let step = 0;
  const doGenerate = async (): Promise<Answered> => {
    step += 1;
    await new Promise((resolve) => setTimeout(resolve, MODEL_MS));
    return step < 3 ? callOf(step) : textOf("done");
  };
  const look = tool({
    inputSchema: jsonSchema<object>({ type: "object" }),
    execute: async () => "seen",
  });
  return {
    model: new MockLanguageModelV4({ doGenerate }),
    tools: { look },
    stopWhen: isStepCount(5),
    prompt: "Look.",
  };
}

const leased = (deviceId: string): Guard =>
  createGuard(client, {
    deviceId,
    enforcement: "lease",
    register: false,
    onEvent: () => undefined,
  });
const client = leasingClient();
const guard = leased("bench");
await guard.start();
const guarded = guardCall(guard, generateText);

const contestants = [
  { name: "unguarded", call: generateText },
  { name: "guarded", call: guarded },
];
let cpu: Record<string, number> = {};
const sample = async ({
  name,
  call,
}: {
  name: string;
  call: typeof generateText;
}): Promise<number> => {
  const before = process.threadCpuUsage();
  const startedMs = performance.now();
  for (let run = 0; run < RUNS; run += 1) {
    const { text } = await call(work());
    if (text !== "done") throw new Error("the run did not end");
  }
  const { user, system } = process.threadCpuUsage(before);
  cpu[name] = (cpu[name] ?? 0) + (user + system) / RUNS / ROUNDS;
  return (performance.now() - startedMs) / RUNS;
};
for (const contestant of contestants) await sample(contestant);
cpu = {};
const [unguarded, withLease] = await interleave(contestants, ROUNDS, sample);
if (unguarded === undefined || withLease === undefined) throw new Error("nothing was measured");
const { ratio, lowest, highest } = ratioOf(withLease, unguarded);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};
const before = heapBytes();
const guards = Array.from({ length: GUARDS }, (_, index) => leased(`bench:${index}`));
await Promise.all(guards.map((each) => each.start()));
const bytes = (heapBytes() - before) / GUARDS;
await Promise.all([guard, ...guards].map((each) => each.close()));

const isMet = ratio <= TARGET_RATIO;
const lines = [
  `a run of generateText under a lease, ${ROUNDS} rounds of ${RUNS}`,
  ...[unguarded, withLease].map(
    ({ name, median }) =>
      `  ${name.padEnd(12)} ${median.toFixed(2)} ms, ${(cpu[name] ?? 0).toFixed(0)} µs of the processor`,
  ),
  `  ratio ${ratio.toFixed(3)} (rounds ${lowest.toFixed(3)} to ${highest.toFixed(3)}), target ${TARGET_RATIO}: ${isMet ? "met" : "missed"}`,
  `memory of a guard under a lease, of ${GUARDS} in one process: ${(bytes / 1024).toFixed(1)} KiB`,
];
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = isMet ? 0 : 1;
