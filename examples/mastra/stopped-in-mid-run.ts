/**
 * A Mastra agent pays refunds, and its device is revoked in the middle of them.
 *
 * Mastra makes a tool's error the tool's result and goes on. The guarded agent
 * does not: the third refund is never paid, the model is not asked again, and
 * the caller of `generate` gets the refusal itself.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";
import { guardAgent } from "../../integrations/mastra/index.ts";
import { createGuard, ExecutionDeniedError, MachineID } from "../../src/index.ts";
import { refundModel } from "./fake/refund-model.ts";

const DEVICE_ID = "example:mastra:refunds:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

const paid: string[] = [];
const payRefund = createTool({
  id: "payRefund",
  description: "Pays a customer's refund.",
  inputSchema: z.object({ customer: z.string() }),
  execute: async ({ customer }) => {
    if (paid.length === 1) await client.revoke(DEVICE_ID);
    paid.push(customer);
    return { paid: customer };
  },
});

const model = refundModel(["ada", "grace", "barbara"]);
const agent = guardAgent(
  guard,
  new Agent({
    id: "clerk",
    name: "clerk",
    instructions: "Pay the refunds.",
    model,
    tools: { payRefund },
  }),
);

const error = await agent.generate("Pay the refunds.").then(
  () => undefined,
  (reason: unknown) => reason,
);
assert.ok(error instanceof ExecutionDeniedError, `not stopped: ${String(error)}`);
assert.equal(error.code, "DEVICE_REVOKED");
assert.deepEqual(paid, ["ada", "grace"]);
assert.equal(model.turns, 2);
process.stdout.write(`${error.message}\npaid: ${paid.join(", ")}\n`);

// Restoring the device restarts nothing. The next call is a run of its own, and asks again.
await client.unrevoke(DEVICE_ID);
const { text } = await agent.generate("Pay the rest.");
assert.equal(text, "All refunds are paid.");
assert.deepEqual(paid, ["ada", "grace", "barbara"]);
process.stdout.write(`restored, and asked again: ${paid.join(", ")}\n`);
await guard.close();
