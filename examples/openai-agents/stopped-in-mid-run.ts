/**
 * A clerk agent pays refunds and hands over to an archivist. Its device is
 * revoked while the second refund is being paid: that one ends, since it had
 * begun; the third is never paid, nobody is handed over to, and the caller of
 * `run` gets the refusal itself, though the tool's `errorFunction` swallows
 * every error.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import { Agent, setTracingDisabled, tool } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";
import { z } from "zod";
import { guardRun } from "../../integrations/openai-agents/index.ts";
import { createGuard, ExecutionDeniedError, MachineID } from "../../src/index.ts";

setTracingDisabled(true);

const DEVICE_ID = "example:openai-agents:refunds:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });
const run = guardRun(guard);

const paid: string[] = [];
const payRefund = tool({
  name: "pay_refund",
  description: "Pays a customer's refund.",
  parameters: z.object({ customer: z.string() }),
  execute: async ({ customer }) => {
    if (paid.length === 1) await client.revoke(DEVICE_ID);
    paid.push(customer);
    return `paid ${customer}`;
  },
  errorFunction: () => "something went wrong, carry on",
});

/** Pays each customer's refund, one a turn, and then hands over. */
function agents(customers: readonly string[]): Agent {
  const archivist = new Agent({
    name: "archivist",
    model: new ScriptedModel([[assistantMessage("All refunds are archived.")]]),
  });
  const pays = customers.map((customer) => [
    functionCall("pay_refund", { customer }, { callId: customer }),
  ]);
  const handsOver = [functionCall("transfer_to_archivist", {}, { callId: "over" })];
  return new Agent({
    name: "clerk",
    model: new ScriptedModel([...pays, handsOver]),
    tools: [payRefund],
    handoffs: [archivist],
  });
}

const error = await run(agents(["ada", "grace", "barbara"]), "Pay the refunds.").then(
  () => undefined,
  (reason: unknown) => reason,
);
assert.ok(error instanceof ExecutionDeniedError, `not stopped: ${String(error)}`);
assert.equal(error.code, "DEVICE_REVOKED");
assert.deepEqual(paid, ["ada", "grace"]);
process.stdout.write(`${error.message}\npaid: ${paid.join(", ")}\n`);

// Restoring the device restarts nothing. The next call is a run of its own, and asks again.
await client.unrevoke(DEVICE_ID);
const result = await run(agents(["barbara"]), "Pay the rest.");
assert.equal(result.finalOutput, "All refunds are archived.");
assert.deepEqual(paid, ["ada", "grace", "barbara"]);
process.stdout.write(`restored, and asked again: ${paid.join(", ")}\n`);
await guard.close();
