import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { createMachineIDServer } from "machineid-io/mcp";
import { startTestAuthority } from "machineid-io/testing";

await using authority = await startTestAuthority();
await authority.client.register("agent-01");
const server = createMachineIDServer(authority.client);
const client = new Client({ name: "check", version: "1" });
const [near, far] = InMemoryTransport.createLinkedPair();
await Promise.all([server.connect(far), client.connect(near)]);

const call = async (name: string, device: string): Promise<Record<string, unknown>> => {
  const result = await client.callTool({ name, arguments: { deviceId: device } });
  return { isError: result.isError === true, ...(result.structuredContent as object | undefined) };
};

const { tools } = await client.listTools();
assert.ok(tools.length >= 8);
assert.equal((await call("validate_device", "agent-01"))["allowed"], true);
await call("revoke_device", "agent-01");
assert.equal((await call("validate_device", "agent-01"))["allowed"], false);
// This client cannot ask a person, so nothing is restored.
assert.equal((await call("unrevoke_device", "agent-01"))["isError"], true);
assert.equal((await call("validate_device", "agent-01"))["allowed"], false);
await authority.close();
assert.equal((await call("validate_device", "agent-01"))["isError"], true);
await client.close();
process.stdout.write("     createMachineIDServer\n");
