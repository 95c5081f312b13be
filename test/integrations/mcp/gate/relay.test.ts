import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ResultSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { recordingGuard } from "../../../../src/testing/index.ts";
import { gates } from "./gates.ts";
import type { PutBehind } from "./gates.ts";

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

function createServer(): McpServer {
  const server = new McpServer(
    { name: "chatty", version: "1.2.3", title: "Chatty" },
    {
      capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } },
      instructions: "Talk",
    },
  );
  server.registerTool("talk", {}, async ({ sendNotification, _meta }) => {
    const progressToken = _meta?.progressToken ?? "none";
    for (const progress of [1, 2]) {
      const params = { progressToken, progress, total: 2, message: `step ${progress}` };
      await sendNotification({ method: "notifications/progress", params });
    }
    await server.server.sendLoggingMessage({ level: "info", data: { said: "hello" } });
    const sampled = await server.server.createMessage({
      messages: [{ role: "user", content: { type: "text", text: "think" } }],
      maxTokens: 10,
    });
    const elicited = await server.server.elicitInput({
      message: "Which?",
      requestedSchema: { type: "object", properties: { which: { type: "string" } } },
    });
    const { roots } = await server.server.listRoots();
    const answer = { sampled: sampled.model, elicited: elicited.content, roots };
    return {
      content: [{ type: "text", text: JSON.stringify(answer) }],
      _meta: { "example.com/kept": [1, 2.5] },
    };
  });
  server.server.setRequestHandler(
    z.object({ method: z.literal("acme/echo"), params: z.looseObject({}) }),
    ({ params }) => ({ echoed: params }),
  );
  server.server.setRequestHandler(
    z.object({ method: z.literal("resources/list"), params: z.looseObject({}).optional() }),
    ({ params }) => ({ resources: [], nextCursor: `after ${String(params?.["cursor"])}` }),
  );
  return server;
}

async function connect(
  putBehind: PutBehind,
): Promise<AsyncDisposable & { client: Client; server: McpServer; told: unknown[] }> {
  const server = createServer();
  const gated = await putBehind(recordingGuard(), server, {});
  const client = new Client({ name: "talker", version: "1" }, { capabilities: CAPABILITIES });
  const told: unknown[] = [];
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: "fake-model",
    role: "assistant",
    content: { type: "text", text: "thought" },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: "accept",
    content: { which: "this" },
  }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///tmp" }] }));
  for (const schema of [
    LoggingMessageNotificationSchema,
    ToolListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema,
  ]) {
    client.setNotificationHandler(schema, (notification) => void told.push(notification));
  }
  await client.connect(gated.client as Transport);
  // Over HTTP, what belongs to no request goes over a stream that is opened a little later.
  while (told.length === 0) {
    server.sendToolListChanged();
    await client.ping();
  }
  return {
    client,
    server,
    told,
    async [Symbol.asyncDispose]() {
      await client.close();
      await gated[Symbol.asyncDispose]();
    },
  };
}

describe.each(Object.entries(gates))("%s relays", (_gate, { putBehind }) => {
  test("what a server says of itself", async () => {
    await using scene = await connect(putBehind);
    expect(scene.client.getServerVersion()).toEqual({
      name: "chatty",
      version: "1.2.3",
      title: "Chatty",
    });
    expect(scene.client.getInstructions()).toBe("Talk");
    expect(scene.client.getServerCapabilities()).toMatchObject({
      logging: {},
      resources: { subscribe: true },
    });
    expect(scene.server.server.getClientVersion()).toEqual({ name: "talker", version: "1" });
    expect(scene.server.server.getClientCapabilities()).toMatchObject({ sampling: {} });
  });

  test("sampling, elicitation, roots, progress, logging and _meta of a call", async () => {
    await using scene = await connect(putBehind);
    const steps: unknown[] = [];
    const result = await scene.client.callTool({ name: "talk" }, undefined, {
      onprogress: (progress) => void steps.push(progress),
    });
    const [{ text }] = result.content as [{ text: string }];
    expect(JSON.parse(text)).toEqual({
      sampled: "fake-model",
      elicited: { which: "this" },
      roots: [{ uri: "file:///tmp" }],
    });
    expect(result).toHaveProperty("_meta", { "example.com/kept": [1, 2.5] });
    expect(steps).toEqual([
      { progress: 1, total: 2, message: "step 1" },
      { progress: 2, total: 2, message: "step 2" },
    ]);
    expect(scene.told).toContainEqual({
      method: "notifications/message",
      params: { level: "info", data: { said: "hello" } },
    });
  });

  test("cursors, unknown methods and unknown notifications", async () => {
    await using scene = await connect(putBehind);
    expect(await scene.client.listResources({ cursor: "7" })).toMatchObject({
      nextCursor: "after 7",
    });
    const params = { deep: { list: [null, true, "ä"] } };
    const request = { method: "acme/echo", params };
    expect(await scene.client.request(request, ResultSchema)).toEqual({ echoed: params });
    const heard = new Promise((resolve) => {
      scene.server.server.fallbackNotificationHandler = async (notification) =>
        resolve(notification);
    });
    await scene.client.notification({ method: "notifications/acme", params });
    expect(await heard).toMatchObject({ method: "notifications/acme", params });
    await expect(
      scene.client.request({ method: "acme/nobody" }, ResultSchema),
    ).rejects.toMatchObject({ code: -32601 });
  });

  test("a list that changes, a resource that changes, and a tool that fails", async () => {
    await using scene = await connect(putBehind);
    const changed = new Promise((resolve) => {
      scene.client.setNotificationHandler(ToolListChangedNotificationSchema, resolve);
    });
    scene.server.registerTool("new", {}, () => {
      throw new Error("its own words");
    });
    await changed;
    expect((await scene.client.listTools()).tools.map(({ name }) => name)).toEqual(["talk", "new"]);
    expect(await scene.client.callTool({ name: "new" })).toEqual({
      isError: true,
      content: [{ type: "text", text: "its own words" }],
    });
    const updated = new Promise((resolve) => {
      scene.client.setNotificationHandler(ResourceUpdatedNotificationSchema, resolve);
    });
    await scene.server.server.sendResourceUpdated({ uri: "test://a" });
    expect(await updated).toMatchObject({ params: { uri: "test://a" } });
  });

  test("a cancellation of the client's", async () => {
    await using scene = await connect(putBehind);
    const entered = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<unknown>();
    scene.server.registerTool("slow", {}, async ({ signal }) => {
      entered.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.resolve(signal.reason);
      return { content: [] };
    });
    const controller = new AbortController();
    const call = scene.client.callTool({ name: "slow" }, undefined, { signal: controller.signal });
    await entered.promise;
    controller.abort("enough");
    await expect(call).rejects.toThrow("enough");
    expect(await aborted.promise).toBe("enough");
  });
});
