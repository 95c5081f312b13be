/**
 * An agent sends invoices, one after another, until someone stops it.
 *
 * The operator revokes the device after the second invoice. The third is never
 * sent, no model is called any more, and the agent's call fails with the denial,
 * although a middleware of the agent swallows and retries what goes wrong.
 */
import assert from "node:assert/strict";
import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { createAgent, createMiddleware } from "langchain";
import { z } from "zod";
import { guardMiddleware, guardRunnable } from "../../integrations/langchain/index.ts";
import { createGuard, ExecutionDeniedError, MachineID } from "../../src/index.ts";

const DEVICE_ID = "example:langchain:invoices:01";
const client = MachineID.fromEnv();
const guard = createGuard(client, { deviceId: DEVICE_ID });

const sent: string[] = [];
const sendInvoice = tool(
  async ({ customer }) => {
    sent.push(customer);
    if (sent.length === 2) await client.revoke(DEVICE_ID);
    return `sent to ${customer}`;
  },
  {
    name: "send_invoice",
    description: "Sends this month's invoice to a customer.",
    schema: z.object({ customer: z.string() }),
  },
);

/** A fake of LangChain's, in place of a provider's model: it has an invoice for everyone. */
const model = fakeModel();
for (const customer of ["ada", "grace", "barbara", "edsger"]) {
  model.respondWithTools([{ name: "send_invoice", args: { customer } }]);
}
model.respond(new AIMessage("All invoices are sent."));

const retrying = createMiddleware({
  name: "Retrying",
  wrapToolCall: async (request, handler) => {
    try {
      return await handler(request);
    } catch {
      return handler(request);
    }
  },
});

const agent = guardRunnable(
  guard,
  createAgent({ model, tools: [sendInvoice], middleware: [retrying, guardMiddleware(guard)] }),
);

const started = agent.invoke({ messages: [{ role: "user", content: "Send the invoices." }] });
const denial = await started.catch((error: unknown) => error);

assert.ok(denial instanceof ExecutionDeniedError, `not denied: ${String(denial)}`);
assert.equal(denial.code, "DEVICE_REVOKED");
assert.deepEqual(sent, ["ada", "grace"]);
assert.equal(guard.status, "stopped");
process.stdout.write(`${denial.message}\nsent: ${sent.join(", ")}\n`);

// Restoring the device restarts nothing; the next call asks again and may go on.
await client.unrevoke(DEVICE_ID);
assert.deepEqual(sent, ["ada", "grace"]);
const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Go on." }] });
assert.equal(messages.at(-1)?.text, "All invoices are sent.");
process.stdout.write(`restored, and asked again: ${sent.join(", ")}\n`);
await guard.close();
