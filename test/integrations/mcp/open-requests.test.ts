import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { expect, test } from "vitest";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import { followRequests, MAX_MESSAGE_LENGTH } from "../../../src/cli/mcp/open-requests.ts";
import type { OpenRequests } from "../../../src/cli/mcp/open-requests.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";

interface Followed extends AsyncDisposable {
  readonly client: Client;
  readonly requests: OpenRequests;
}

async function follow(authority: ScriptedAuthority): Promise<Followed> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  await createMachineIDServer(authority.client()).connect(far);
  const requests = followRequests(far);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(near);
  return { client, requests, [Symbol.asyncDispose]: () => client.close() };
}

/** Whether it is settled now, and not later. */
const isSettled = (requests: OpenRequests): Promise<boolean> =>
  Promise.race([
    requests.settled().then(() => true),
    new Promise<boolean>((resolve) => {
      setImmediate(() => resolve(false));
    }),
  ]);

test("an answered request is settled, one under way is not", async () => {
  await using authority = await startScriptedAuthority();
  await using one = await follow(authority);
  const params = { name: "validate_device", arguments: { deviceId: "a-1" } };
  await one.client.callTool(params);
  expect(await isSettled(one.requests)).toBe(true);
  const held = Promise.withResolvers<void>();
  const arrived = new Promise<void>((resolve) => {
    authority.onValidation = () => {
      resolve();
      return held.promise;
    };
  });
  const answer = one.client.callTool(params);
  await arrived;
  expect(await isSettled(one.requests)).toBe(false);
  held.resolve();
  await answer;
  expect(await isSettled(one.requests)).toBe(true);
});

test("a cancelled request is settled, cancelled once or twice", async () => {
  await using authority = await startScriptedAuthority();
  await using one = await follow(authority);
  const arrived = new Promise<void>((resolve) => {
    authority.onValidation = () => resolve();
  });
  await authority.become("hang");
  const cancel = new AbortController();
  const params = { name: "validate_device", arguments: { deviceId: "a-1" } };
  const call = one.client.callTool(params, undefined, { signal: cancel.signal });
  call.catch(() => undefined);
  await arrived;
  cancel.abort();
  await expect(call).rejects.toThrow(/abort/i);
  for (const requestId of [1, 1, 99]) {
    await one.client.notification({ method: "notifications/cancelled", params: { requestId } });
  }
  expect(await isSettled(one.requests)).toBe(true);
  await authority.become("allow");
  expect(await one.client.callTool(params)).toMatchObject({
    structuredContent: { allowed: true },
  });
});

test("what is too large is refused in the protocol's form, and nothing is done", async () => {
  await using authority = await startScriptedAuthority();
  await using one = await follow(authority);
  const before = authority.requests.length;
  const huge = "x".repeat(10_000_000);
  const calls = [
    { name: "revoke_device", arguments: { deviceId: "a-1", huge } },
    { name: "revoke_device", arguments: { deviceId: huge } },
    { name: huge, arguments: {} },
  ];
  for (const params of calls) {
    const refused = one.client.callTool(params);
    await expect(refused).rejects.toMatchObject({ code: -32_600 });
    await expect(refused).rejects.toThrow(String(MAX_MESSAGE_LENGTH));
  }
  expect(authority.requests).toHaveLength(before);
  expect(await isSettled(one.requests)).toBe(true);
});
