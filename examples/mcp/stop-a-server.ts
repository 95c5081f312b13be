import assert from "node:assert/strict";
import { once } from "node:events";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { guardServer } from "../../integrations/mcp/index.ts";
import { createGuard, MachineID } from "../../src/index.ts";

/**
 * A device is revoked while one of its MCP tools is at work: the call is
 * cancelled and answered, and no other begins until the device is restored.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
const machineid = MachineID.fromEnv();
const deviceId = "example:dev:mcp-tools:01";
const guard = createGuard(machineid, { deviceId });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const server = new McpServer({ name: "reports", version: "1.0.0" });
const begun = Promise.withResolvers<void>();
let sent = 0;
server.registerTool("send_report", {}, () => {
  sent += 1;
  return { content: [{ type: "text", text: "sent" }] };
});
server.registerTool("send_all_reports", {}, async ({ signal }) => {
  begun.resolve();
  await once(signal, "abort");
  say("the tool: cancelled in the middle of its work");
  return { content: [] };
});

const [near, far] = InMemoryTransport.createLinkedPair();
const agent = new Client({ name: "agent", version: "1.0.0" });
await guardServer(guard, server, { recheckMs: 100 }).connect(far);
await agent.connect(near);

await agent.callTool({ name: "send_report" });
say("the agent: one report sent");

const long = agent.callTool({ name: "send_all_reports" });
await begun.promise;
await machineid.revoke(deviceId);
const refusal = JSON.stringify({
  reason: "execution_denied",
  code: "DEVICE_REVOKED",
  retryable: false,
});
const refused = { isError: true, content: [{ type: "text", text: refusal }] };
assert.deepEqual(await long, refused);
assert.deepEqual(await agent.callTool({ name: "send_report" }), refused);
say(`the agent reads: ${refusal}`);
assert.equal(sent, 1);

await machineid.unrevoke(deviceId);
await agent.callTool({ name: "send_report" });
assert.equal(sent, 2);
say("the device is restored: a new call begins");

await agent.close();
await guard.close();
