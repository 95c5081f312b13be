/**
 * An agent answers support tickets and is stopped in the middle of its run.
 *
 * Someone revokes its device while the second refund is being paid. That one
 * ends, since it had begun; the third is never paid, the model is not asked
 * again, and the caller of `streamText` learns why, though the agent's own
 * `onError` swallows everything.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import { isStepCount, jsonSchema, streamText, tool } from "ai";
import { guardCall } from "../../integrations/ai-sdk/index.ts";
import { createGuard, findExecutionStopped, MachineID } from "../../src/index.ts";
import { refundModel } from "./fake/refund-model.ts";

const DEVICE_ID = "example:ai-sdk:refunds:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

const paid: string[] = [];
const payRefund = tool({
  description: "Pays a customer's refund.",
  inputSchema: jsonSchema<{ customer: string }>({
    type: "object",
    properties: { customer: { type: "string" } },
    required: ["customer"],
  }),
  execute: async ({ customer }) => {
    if (paid.length === 1) await client.revoke(DEVICE_ID);
    paid.push(customer);
    return `paid ${customer}`;
  },
});

const model = refundModel(["ada", "grace", "barbara", "edsger"]);
const work = {
  model,
  tools: { payRefund },
  stopWhen: isStepCount(10),
  prompt: "Pay the refunds.",
  onError: () => undefined,
};

const result = guardCall(guard, streamText)(work);
const read: string[] = [];
let ended: unknown;
try {
  for await (const part of result.fullStream) {
    if (part.type === "tool-result") read.push(String(part.output));
  }
} catch (error) {
  ended = error;
}

const denial = findExecutionStopped(ended);
assert.ok(denial, `the stream did not end with the denial: ${String(ended)}`);
assert.equal(denial.code, "DEVICE_REVOKED");
await assert.rejects(Promise.resolve(result.text), denial);
assert.deepEqual(paid, ["ada", "grace"]);
assert.equal(model.doStreamCalls.length, 2);
process.stdout.write(`${denial.message}\npaid: ${paid.join(", ")}; read: ${read.join(", ")}\n`);

// Restoring the device restarts nothing. The next call is a run of its own, and asks again.
await client.unrevoke(DEVICE_ID);
assert.equal(guard.status, "stopped");
assert.equal(await guardCall(guard, streamText)(work).text, "All refunds are paid.");
assert.deepEqual(paid, ["ada", "grace", "barbara", "edsger"]);
process.stdout.write(`restored, and asked again: ${paid.join(", ")}\n`);
await guard.close();
