import { afterAll, beforeAll, expect, test } from "vitest";
import { MachineID } from "../../../src/index.ts";
import { startServe } from "../../cli/spawn.ts";
import type { Served } from "../../cli/spawn.ts";
import { createOrg, INITIALIZE, send, startMcpHttp } from "./http-scene.ts";
import type { ServedMcp } from "./http-scene.ts";
import { messagesOf } from "./sse.ts";
import type { RpcMessage } from "./sse.ts";

let served: Served;
let mcp: ServedMcp;
let machineid: MachineID;

beforeAll(async () => {
  served = await startServe(":memory:");
  mcp = await startMcpHttp(served.url);
  machineid = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
});

/** Opens a session of a client that can ask, but has no stream of notifications. */
async function openAskingSession(): Promise<Record<string, string>> {
  const key = { "x-org-key": served.ownerKey };
  const params = { ...INITIALIZE.params, capabilities: { elicitation: { form: {} } } };
  const { headers } = await send(mcp.url, { headers: key, body: { ...INITIALIZE, params } });
  return { ...key, "mcp-session-id": String(headers["mcp-session-id"]) };
}

/** Begins a restore, and returns its stream with the question that came on it. */
async function askToRestore(
  session: Readonly<Record<string, string>>,
  deviceId: string,
): Promise<{ question: RpcMessage; stream: AsyncGenerator<RpcMessage> }> {
  await machineid.register(deviceId);
  await machineid.revoke(deviceId);
  const params = { name: "unrevoke_device", arguments: { deviceId } };
  const response = await fetch(mcp.url, {
    method: "POST",
    headers: {
      ...session,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params }),
  });
  const stream = messagesOf(response);
  const first = await stream.next();
  if (first.done === true) throw new Error("no question came");
  return { question: first.value, stream };
}

const yesTo = ({ id }: RpcMessage): object => ({
  jsonrpc: "2.0",
  id,
  result: { action: "accept", content: { consent: true } },
});

const codeOf = async (deviceId: string): Promise<unknown> =>
  (await machineid.validate(deviceId)).code;

test("the question comes on the stream of its call, and the answer by another request", async () => {
  const session = await openAskingSession();
  const { question, stream } = await askToRestore(session, "asked-1");
  expect(question).toMatchObject({
    method: "elicitation/create",
    params: { message: expect.stringContaining('"asked-1"') },
  });
  expect(await codeOf("asked-1")).toBe("DEVICE_REVOKED");
  expect(await send(mcp.url, { headers: session, body: yesTo(question) })).toMatchObject({
    status: 202,
  });
  expect((await stream.next()).value).toMatchObject({
    id: 7,
    result: { structuredContent: { deviceId: "asked-1", changed: true } },
  });
  expect(await codeOf("asked-1")).toBe("ALLOW");
});

test("a yes from another session, or with another key, is none", async () => {
  const session = await openAskingSession();
  const other = await openAskingSession();
  const stranger = { ...session, "x-org-key": await createOrg(served) };
  const { question, stream } = await askToRestore(session, "asked-2");
  await send(mcp.url, { headers: other, body: yesTo(question) });
  expect(await send(mcp.url, { headers: stranger, body: yesTo(question) })).toMatchObject({
    status: 404,
  });
  const no = { jsonrpc: "2.0", id: question.id, result: { action: "decline" } };
  await send(mcp.url, { headers: session, body: no });
  expect(JSON.stringify((await stream.next()).value)).toContain("CONSENT_DECLINED");
  expect(await codeOf("asked-2")).toBe("DEVICE_REVOKED");
});

test("a session that ends while a person is asked restores nothing", async () => {
  const session = await openAskingSession();
  const { question, stream } = await askToRestore(session, "asked-3");
  await send(mcp.url, { method: "DELETE", headers: session });
  expect(await send(mcp.url, { headers: session, body: yesTo(question) })).toMatchObject({
    status: 404,
  });
  expect((await stream.next()).done).toBe(true);
  expect(await codeOf("asked-3")).toBe("DEVICE_REVOKED");
});
