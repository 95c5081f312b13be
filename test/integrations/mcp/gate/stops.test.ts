import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { expect, test, vi } from "vitest";
import { createGateway, guardServer } from "../../../../integrations/mcp/index.ts";
import type { GatewayOptions } from "../../../../integrations/mcp/index.ts";
import { createGuard } from "../../../../src/index.ts";
import { scriptedLeases } from "../../../support/scripted-leases.ts";
import { describeStops } from "../../shared/stop-suite.ts";
import type { Play, Stage } from "../../shared/stop-suite.ts";
import { call, linked, RawServer } from "./gateway-scene.ts";
import { RawClient } from "./raw-client.ts";
import { createServer, signalIn } from "./servers.ts";

const refusal = {
  isError: true,
  content: [
    {
      type: "text",
      text: JSON.stringify({
        reason: "execution_denied",
        code: "DEVICE_REVOKED",
        retryable: false,
      }),
    },
  ],
};

async function serve(stage: Stage, version: 1 | 2, tools: readonly string[]): Promise<RawClient> {
  const server: McpServer = createServer(version);
  for (const name of tools) {
    server.registerTool(name, {}, async (...given: readonly unknown[]) => {
      await stage.goOn(name, signalIn(given.at(-1)));
      return { content: [{ type: "text", text: "found" }] };
    });
  }
  const [near, far] = InMemoryTransport.createLinkedPair();
  await guardServer(stage.guard, server).connect(far);
  const client = new RawClient(near);
  await client.open();
  return client;
}

/** Calls tools at the same time; the answers are the fixed refusal. */
const calling =
  (version: 1 | 2, ...tools: string[]) =>
  async (stage: Stage): Promise<unknown> => {
    const client = await serve(stage, version, tools);
    const answers = tools.map((name) => client.ask("tools/call", { name, arguments: {} }));
    for (const { result } of await Promise.all(answers)) expect(result).toEqual(refusal);
    // What the client reads holds no error; the guard has it.
    return stage.guard.check({ kind: "task" });
  };

/** What a cancellation says in the protocol. */
const reason = "execution_denied";

const plays = Object.fromEntries(
  ([1, 2] as const).flatMap((version): [string, Play][] => [
    [
      `a tool of a server of SDK ${version} runs`,
      { during: ["search"], names: ["tool search"], reason, run: calling(version, "search") },
    ],
    [
      `two tools of a server of SDK ${version} run`,
      {
        during: ["search", "fetch"],
        names: ["tool search", "tool fetch"],
        reason,
        run: calling(version, "search", "fetch"),
      },
    ],
  ]),
);

describeStops(plays);

async function openGateway(gateOptions: GatewayOptions = {}) {
  const leases = scriptedLeases();
  const options = { deviceId: "agent-01", enforcement: "lease", register: false } as const;
  const guard = createGuard(leases.client, options);
  // From here on there is a lease.
  await guard.check({ kind: "startup" });
  const [upstream, far] = linked();
  const server = new RawServer(far);
  server.listen();
  await far.start();
  const gateway = createGateway(guard, () => upstream, gateOptions);
  const [near, downstream] = linked();
  await gateway.connect(downstream);
  const client = new RawClient(near);
  client.listen();
  await near.start();
  await client.send(call(1));
  const { id } = await server.until(({ method }) => method === "tools/call");
  const acknowledged = (): string[] => leases.all("ack").map(({ state }) => state);
  return { leases, guard, gateway, server, client, id, acknowledged };
}

test("a stop cancels a call behind a gateway, which counts as running until the server answers", async () => {
  const { leases, guard, gateway, server, client, id, acknowledged } = await openGateway();
  leases.stop("agent-01");
  expect(await client.answerTo(1)).toMatchObject({ result: refusal });
  const cancelled = await server.until(({ method }) => method === "notifications/cancelled");
  expect(cancelled.params).toMatchObject({ requestId: id });
  expect(acknowledged()).toEqual(["fenced"]);
  expect(guard.undrained).toEqual([{ kind: "tool", name: "read" }]);
  await server.answer(id, { content: [] });
  await vi.waitUntil(() => acknowledged().includes("drained"));
  expect(client.received.filter((message) => message.id === 1)).toHaveLength(1);
  await gateway.close();
  await guard.close();
});

test("a stopped call behind a gateway is over when its session is", async () => {
  const { leases, guard, gateway, client, acknowledged } = await openGateway();
  leases.stop("agent-01");
  await client.answerTo(1);
  expect(acknowledged()).toEqual(["fenced"]);
  await gateway.close();
  await vi.waitUntil(() => acknowledged().includes("drained"));
  await guard.close();
});

test("a stopped task behind a gateway is over when the server says so", async () => {
  const { leases, guard, gateway, server, client, id, acknowledged } = await openGateway();
  await server.answer(id, { task: { taskId: "task-1", status: "working" } });
  await client.answerTo(1);
  leases.stop("agent-01");
  const cancel = await server.until(({ method }) => method === "tasks/cancel");
  expect(acknowledged()).toEqual(["fenced"]);
  expect(guard.undrained).toEqual([{ kind: "tool", name: "read" }]);
  await server.answer(cancel.id, { taskId: "task-1", status: "cancelled" });
  await vi.waitUntil(() => acknowledged().includes("drained"));
  await gateway.close();
  await guard.close();
});

test("a strict gate asks about each call, though a lease would let it begin", async () => {
  const options = { strict: true, recheckMs: 60_000 };
  const { leases, guard, gateway, server, client } = await openGateway(options);
  expect(leases.all("check")).toHaveLength(1);
  // The stop itself does not get through.
  leases.denied.add("agent-01");
  await client.send(call(2));
  expect(await client.answerTo(2)).toMatchObject({ result: refusal });
  // What was denied to one is denied to the call in flight.
  expect(await client.answerTo(1)).toMatchObject({ result: refusal });
  expect(server.received.filter(({ method }) => method === "tools/call")).toHaveLength(1);
  await gateway.close();
  await guard.close();
});

test("a strict gate asks the authority about calls in flight", async () => {
  const { leases, guard, gateway, client } = await openGateway({ strict: true, recheckMs: 5 });
  leases.denied.add("agent-01");
  expect(await client.answerTo(1)).toMatchObject({ result: refusal });
  expect(leases.all("renew")).toHaveLength(1);
  await gateway.close();
  await guard.close();
});

test("a strict gate asks about what a server wants of its client", async () => {
  const { leases, guard, gateway, server, client } = await openGateway({ strict: true });
  leases.denied.add("agent-01");
  await server.send({ jsonrpc: "2.0", id: 7, method: "sampling/createMessage", params: {} });
  expect(await server.until((message) => message.id === 7)).toMatchObject({
    error: { code: -32050 },
  });
  expect(client.received.filter(({ method }) => method !== undefined)).toEqual([]);
  await gateway.close();
  await guard.close();
});

const cancelled = {
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId: 1 },
} as const;

test("a call that the client gave up counts as running until the server has ended it", async () => {
  const { leases, guard, gateway, server, client, id, acknowledged } = await openGateway();
  await client.send(cancelled);
  await server.until(({ method }) => method === "notifications/cancelled");
  leases.stop("agent-01");
  await vi.waitUntil(() => acknowledged().length > 0);
  expect(guard.undrained).toEqual([{ kind: "tool", name: "read" }]);
  expect(acknowledged()).toEqual(["fenced"]);
  await server.answer(id, { content: [] });
  await vi.waitUntil(() => acknowledged().includes("drained"));
  expect(client.received.filter((message) => message.id === 1)).toEqual([]);
  await gateway.close();
  await guard.close();
});

test("a task that the server made of a call that was given up counts as running until it is over", async () => {
  const { leases, guard, gateway, server, client, id, acknowledged } = await openGateway();
  await client.send(cancelled);
  await server.until(({ method }) => method === "notifications/cancelled");
  await server.answer(id, { task: { taskId: "task-1", status: "working" } });
  const cancel = await server.until(({ method }) => method === "tasks/cancel");
  leases.stop("agent-01");
  await vi.waitUntil(() => acknowledged().length > 0);
  expect(acknowledged()).toEqual(["fenced"]);
  await server.answer(cancel.id, { taskId: "task-1", status: "cancelled" });
  await vi.waitUntil(() => acknowledged().includes("drained"));
  await gateway.close();
  await guard.close();
});

test("a server that goes on with a call that the client gave up is ended after a denial", async () => {
  const { leases, guard, gateway, server, client } = await openGateway({ endAfterMs: 5 });
  await client.send(cancelled);
  await server.until(({ method }) => method === "notifications/cancelled");
  leases.stop("agent-01");
  await vi.waitUntil(() => server.isClosed);
  expect(client.received.filter((message) => message.id === 1)).toEqual([]);
  await gateway.close();
  await guard.close();
});
