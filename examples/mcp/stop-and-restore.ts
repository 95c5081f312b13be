import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { createMachineIDServer } from "../../integrations/mcp/index.ts";
import { createGuard, ExecutionDeniedError, MachineID } from "../../src/index.ts";

/**
 * An assistant stops an agent with an MCP tool, cannot restore it by itself, and
 * can once a person has said yes.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
const machineid = MachineID.fromEnv();
const deviceId = "example:dev:mailer:01";
const guard = createGuard(machineid, { deviceId });
const work = (): Promise<string> =>
  guard.protect({ kind: "task", name: "send_mail" }, () => "mail sent");

/** Connects an assistant to a server of its own, in memory. */
async function connectAssistant(client: Client): Promise<Client> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  await createMachineIDServer(machineid).connect(far);
  await client.connect(near);
  return client;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

say(`the agent: ${await work()}`);

const assistant = await connectAssistant(new Client({ name: "assistant", version: "1" }));
await assistant.callTool({ name: "revoke_device", arguments: { deviceId } });
await assert.rejects(work, ExecutionDeniedError);
say("the assistant revoked the agent: its next step did not begin");

const alone = await assistant.callTool({ name: "unrevoke_device", arguments: { deviceId } });
assert.equal(alone.isError, true);
await assert.rejects(work, ExecutionDeniedError);
say("the assistant tried to restore it: refused, since nobody can be asked");

const client = new Client(
  { name: "assistant", version: "1" },
  { capabilities: { elicitation: {} } },
);
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  say(`a person is asked: ${params.message}`);
  return { action: "accept", content: { consent: true } };
});
const attended = await connectAssistant(client);
const restored = await attended.callTool({ name: "unrevoke_device", arguments: { deviceId } });
assert.deepEqual(restored.structuredContent, { deviceId, changed: true, pending: false });
assert.equal(await work(), "mail sent");
say("the person said yes: the agent works again");

await Promise.all([assistant.close(), attended.close(), guard.close()]);
