import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { GateOptions } from "../../../../integrations/mcp/index.ts";
import { recordingGuard } from "../../../../src/testing/index.ts";
import type { RecordingGuard } from "../../../../src/testing/index.ts";
import { Bodies } from "./bodies.ts";
import { gates } from "./gates.ts";
import type { PutBehind } from "./gates.ts";
import { RawClient } from "./raw-client.ts";

interface Scene extends AsyncDisposable {
  readonly client: RawClient;
  readonly guard: RecordingGuard;
  readonly bodies: Bodies;
  /** Lets the server answer whoever reads its resource. */
  readonly answerResource: () => void;
}

const RESOURCE = { uri: "test://slow" };

async function open(putBehind: PutBehind, options: GateOptions = {}): Promise<Scene> {
  const guard = recordingGuard();
  const bodies = new Bodies();
  const server = new McpServer({ name: "fixture", version: "1" });
  const add = (name: string): void =>
    void server.registerTool(
      name,
      { inputSchema: { text: z.string().optional() } },
      async ({ text = "" }, { signal }) => {
        await bodies.enter(name, signal);
        return { content: [{ type: "text", text: `${name} ${text.length}` }] };
      },
    );
  add("read");
  add("write");
  const answered = Promise.withResolvers<void>();
  server.registerResource("slow", RESOURCE.uri, {}, async ({ href }, { signal }) => {
    await bodies.enter("resource", signal);
    await answered.promise;
    return { contents: [{ uri: href, text: "" }] };
  });
  server.server.fallbackNotificationHandler = async ({ method }) =>
    bodies.enter(method, new AbortController().signal);
  const gated = await putBehind(guard, server, { recheckMs: 60_000, ...options });
  const client = new RawClient(gated.client);
  await client.open();
  return {
    client,
    guard,
    bodies,
    answerResource: answered.resolve,
    async [Symbol.asyncDispose]() {
      await client.close();
      await gated[Symbol.asyncDispose]();
    },
  };
}

const callOf = (id: unknown, name: unknown = "read", more: object = {}): object => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: {}, ...more },
});

describe.each(Object.entries(gates))("%s", (gate, { putBehind }) => {
  test("asks once for each call, about the tool by its name", async () => {
    await using scene = await open(putBehind);
    await scene.client.ask("tools/list");
    await scene.client.ask("tools/call", { name: "read" });
    await scene.client.ask("tools/call", { name: "write" });
    expect(scene.guard.checks.map(({ boundary }) => boundary)).toEqual([
      { kind: "tool", name: "read" },
      { kind: "tool", name: "write" },
    ]);
  });

  test("a tool that nobody knows is asked about, and then the server's affair", async () => {
    await using scene = await open(putBehind);
    const { result } = await scene.client.ask("tools/call", { name: "nobody" });
    expect(result).toMatchObject({ isError: true });
    expect(scene.guard.checks).toHaveLength(1);
    scene.guard.deny();
    const refused = await scene.client.ask("tools/call", { name: "nobody" });
    expect(JSON.stringify(refused)).toContain("DEVICE_REVOKED");
  });

  test.each([null, 5, ["read"], { name: "read" }])(
    "a call of %j is asked about, and begins nothing",
    async (name) => {
      await using scene = await open(putBehind);
      await scene.client.send(callOf(7, name));
      await scene.client.answerTo(7);
      expect(scene.bodies.entered).toEqual([]);
      expect(scene.guard.checks).toHaveLength(1);
    },
  );

  test("a method that nobody knows is asked about", async () => {
    await using scene = await open(putBehind);
    scene.guard.deny();
    expect(await scene.client.ask("acme/run")).toMatchObject({
      error: { code: -32050, data: { code: "DEVICE_REVOKED" } },
    });
  });

  test("a call that wants no answer begins nothing without an allow", async () => {
    await using scene = await open(putBehind);
    scene.guard.deny();
    const { id: _id, ...notification } = callOf(1) as { id: number };
    await scene.client.send(notification);
    await scene.client.ask("ping");
    expect(scene.bodies.entered).toEqual([]);
  });

  test("two calls of one name in one message are no way past the lists", async () => {
    await using scene = await open(putBehind, { deny: ["write"] });
    await scene.client.send(callOf(7, "read", { Name: "write" }));
    expect(await scene.client.answerTo(7)).toMatchObject({ error: { code: -32602 } });
    expect(scene.bodies.entered).toEqual([]);
  });

  test("lists by pattern refuse without asking, and hide what may not be called", async () => {
    await using scene = await open(putBehind, { allow: ["re*", "w*e"], deny: ["wr*"] });
    const { result } = await scene.client.ask("tools/list");
    const { tools }: { tools?: { name: string }[] } = Object(result);
    expect(tools?.map(({ name }) => name)).toEqual(["read"]);
    const refused = await scene.client.ask("tools/call", { name: "write" });
    expect(refused.result).toEqual({
      isError: true,
      content: [
        { type: "text", text: '{"reason":"execution_denied","code":"DENIED","retryable":false}' },
      ],
    });
    expect(scene.guard.checks).toEqual([]);
    expect((await scene.client.ask("tools/call", { name: "read" })).result).not.toMatchObject({
      isError: true,
    });
    expect(scene.bodies.entered).toEqual(["read"]);
  });

  test.each([0, "", "text", 5])("a call of the id %j can be stopped", async (id) => {
    await using scene = await open(putBehind);
    scene.bodies.meanwhile = async () => undefined;
    await scene.client.send(callOf(id));
    await scene.bodies.until(({ entered }) => entered.length === 1);
    scene.guard.deny();
    // What is denied to one call is denied to the device.
    await scene.client.ask("tools/call", { name: "write" });
    const answers = () => scene.client.received.filter((message) => message.id === id);
    await scene.bodies.until(({ cancelled }) => cancelled.length === 1);
    await scene.client.until(() =>
      answers().some((answer) => JSON.stringify(answer).includes("DEVICE_REVOKED")),
    );
    await scene.client.ask("ping");
    expect(
      answers().filter(({ result }) => result !== undefined && "content" in result),
    ).toHaveLength(1);
    expect(scene.bodies.entered).toEqual(["read"]);
  });

  test("a second request of an id that is in use is refused, and the first can be stopped", async () => {
    await using scene = await open(putBehind);
    scene.bodies.meanwhile = async () => undefined;
    await scene.client.send(callOf(7));
    await scene.bodies.until(({ entered }) => entered.length === 1);
    await scene.client.send(callOf(7, "write"));
    await scene.client.send({ jsonrpc: "2.0", id: 7, method: "ping" });
    await scene.client.until(({ id, error }) => id === 7 && Object(error).code === -32600);
    scene.guard.deny();
    await scene.client.ask("tools/call", { name: "write" });
    await scene.bodies.until(({ cancelled }) => cancelled.length === 1);
    expect(scene.bodies.entered).toEqual(["read"]);
  });

  test("a call with the id of a request that is not asked about, and still open, is refused", async () => {
    await using scene = await open(putBehind);
    const { client, bodies, answerResource } = scene;
    await client.send({ jsonrpc: "2.0", id: 7, method: "resources/read", params: RESOURCE });
    await bodies.until(({ entered }) => entered.length === 1);
    // Else the resource would pass for the end of the call, and nothing could stop the call then.
    await client.send(callOf(7, "write"));
    await client.until(({ id, error }) => id === 7 && Object(error).code === -32600);
    answerResource();
    await client.ask("ping");
    expect(bodies.entered).toEqual(["resource"]);
    expect(scene.guard.checks).toEqual([]);
  });

  test("a notification that nobody knows begins nothing without an allow", async () => {
    await using scene = await open(putBehind);
    const notify = (): Promise<void> =>
      scene.client.send({ jsonrpc: "2.0", method: "notifications/acme", params: {} });
    scene.guard.deny();
    await notify();
    await scene.client.ask("acme/after");
    expect(scene.bodies.entered).toEqual([]);
    scene.guard.allow();
    await notify();
    await scene.bodies.until(({ entered }) => entered.length === 1);
    expect(scene.bodies.entered).toEqual(["notifications/acme"]);
  });

  test("a cancellation while the authority is asked begins nothing, and a second one harms nothing", async () => {
    await using scene = await open(putBehind);
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
    await Promise.all([callOf(7), cancel, cancel].map((message) => scene.client.send(message)));
    await scene.client.ask("ping");
    const { result } = await scene.client.ask("tools/call", { name: "write" });
    expect(result).toMatchObject({ content: [{ text: "write 0" }] });
    const cancelled = scene.bodies.entered.filter((name) => name === "read");
    // Over HTTP the messages are requests of their own, and may arrive the other way round.
    if (!gate.includes("HTTP")) expect(cancelled).toEqual([]);
  });

  test("arguments of a megabyte go through", async () => {
    await using scene = await open(putBehind);
    const text = "x".repeat(1024 * 1024);
    const { result } = await scene.client.ask("tools/call", { name: "read", arguments: { text } });
    expect(result).toMatchObject({ content: [{ text: `read ${text.length}` }] });
  });

  test("after the device is restored, a new call begins", async () => {
    await using scene = await open(putBehind);
    scene.guard.deny();
    await scene.client.ask("tools/call", { name: "read" });
    scene.guard.allow();
    expect((await scene.client.ask("tools/call", { name: "read" })).result).toMatchObject({
      content: [{ text: "read 0" }],
    });
    expect(scene.bodies.entered).toEqual(["read"]);
  });

  test("a guard that is closed lets nothing begin", async () => {
    await using scene = await open(putBehind);
    await scene.guard.close();
    const refused = await scene.client.ask("tools/call", { name: "read" });
    expect(JSON.stringify(refused)).toContain("GUARD_CLOSED");
    expect(scene.bodies.entered).toEqual([]);
  });
});
