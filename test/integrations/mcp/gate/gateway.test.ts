import { setImmediate as immediate, setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createGateway } from "../../../../integrations/mcp/index.ts";
import type { Message } from "../../../../integrations/mcp/gate/message.ts";
import { recordingGuard } from "../../../../src/testing/index.ts";
import { call, linked, open, RawServer } from "./gateway-scene.ts";
import { RawClient } from "./raw-client.ts";

describe("a server", () => {
  test("that answers a request it does not have is not relayed, and said to be wrong", async () => {
    await using scene = await open();
    await scene.client.send(call(1));
    await scene.server.until(({ method }) => method === "tools/call");
    await scene.server.answer(2, { wrong: true });
    await scene.server.answer("1", { wrong: true });
    await scene.server.answer(1, { right: true });
    await scene.server.answer(1, { again: true });
    expect(await scene.client.answerTo(1)).toMatchObject({ result: { right: true } });
    expect(scene.client.received).toHaveLength(1);
    expect(scene.problems).toHaveLength(3);
  });

  test("that goes on with a call that was stopped is not listened to", async () => {
    await using scene = await open();
    await scene.client.send(call(1, "read", { _meta: { progressToken: "p" } }));
    await scene.server.until(({ method }) => method === "tools/call");
    scene.guard.deny();
    await scene.client.send(call(2));
    expect(await scene.client.answerTo(1)).toMatchObject({ result: { isError: true } });
    const { params } = await scene.server.until(
      ({ method }) => method === "notifications/cancelled",
    );
    expect(params).toEqual({ requestId: 1, reason: "execution_denied" });
    const progress = { progressToken: "p", progress: 1 };
    await scene.server.send({ jsonrpc: "2.0", method: "notifications/progress", params: progress });
    await scene.server.answer(1, { late: true });
    await scene.server.send({ jsonrpc: "2.0", method: "notifications/message", params: {} });
    await scene.client.until(({ method }) => method === "notifications/message");
    expect(scene.client.received.filter(({ id }) => id === 1)).toHaveLength(1);
    expect(scene.client.received.filter(({ method }) => method?.endsWith("progress"))).toEqual([]);
  });

  test("that does not end a call that was denied in flight is ended after its time", async () => {
    await using scene = await open({ endAfterMs: 1 });
    await scene.client.send(call(1));
    await scene.server.until(({ method }) => method === "tools/call");
    scene.guard.deny();
    await scene.client.send(call(2));
    expect(await scene.client.answerTo(1)).toMatchObject({ result: { isError: true } });
    await Promise.all([scene.server.untilClosed(), scene.client.untilClosed()]);
    expect(scene.problems).toEqual([
      "The server did not end a cancelled call in 1 ms, and is ended",
    ]);
  });

  test("that goes on with a call that the client gave up is ended after a denial, with nothing pushed", async () => {
    await using scene = await open({ endAfterMs: 1, recheckMs: 5 });
    await scene.client.send(call(1));
    await scene.server.until(({ method }) => method === "tools/call");
    const params = { requestId: 1 };
    await scene.client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    await scene.server.until(({ method }) => method === "notifications/cancelled");
    scene.guard.deny();
    await scene.server.untilClosed();
    expect(scene.client.received.filter(({ id }) => id === 1)).toEqual([]);
  });

  test("that answers a call that was denied in flight is let live, and so is one in an outage", async () => {
    await using scene = await open({ endAfterMs: 50, recheckMs: 20 });
    await scene.client.send(call(1));
    await scene.server.until(({ method }) => method === "tools/call");
    scene.guard.deny();
    await scene.client.send(call(2));
    await scene.server.until(({ method }) => method === "notifications/cancelled");
    await scene.server.answer(1, {});
    scene.guard.allow();
    await scene.client.send(call(3));
    await scene.server.until(({ id }) => id === 3);
    scene.guard.fail();
    await scene.server.until(({ params }) => params?.["requestId"] === 3);
    await delay(100);
    scene.guard.allow();
    await scene.client.send(call(5));
    await scene.server.until(({ id }) => id === 5);
    expect(scene.problems).toEqual([]);
  });

  test.each([-1, Number.NaN, 1e12])("is not ended after %s ms", (endAfterMs) => {
    const make = (): unknown => createGateway(recordingGuard(), () => linked()[0], { endAfterMs });
    expect(make).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  test("that goes away in mid-call: every request is answered, and the client let go", async () => {
    await using scene = await open();
    await scene.client.send(call(1));
    await scene.client.send({ jsonrpc: "2.0", id: 2, method: "ping" });
    await scene.server.until(({ method }) => method === "tools/call");
    await scene.server.close();
    await scene.client.untilClosed();
    for (const id of [1, 2]) {
      expect(await scene.client.answerTo(id)).toMatchObject({ error: { code: -32603 } });
    }
  });

  test("that cannot be written to: each request is answered, and another one may work", async () => {
    let isBroken = true;
    const [upstream, far] = linked();
    const send = upstream.send.bind(upstream);
    const gateway = createGateway(recordingGuard(), () =>
      Object.assign(upstream, {
        send: (message: Message) =>
          isBroken ? Promise.reject(new Error("broken")) : send(message),
      }),
    );
    const [near, downstream] = linked();
    await gateway.connect(downstream);
    const client = new RawClient(near);
    client.listen();
    await client.send(call(1));
    expect(await client.answerTo(1)).toMatchObject({ error: { code: -32603 } });
    isBroken = false;
    const server = new RawServer(far);
    server.listen();
    await client.send(call(2));
    await server.until(({ id }) => id === 2);
    await server.answer(2, { fine: true });
    expect(await client.answerTo(2)).toMatchObject({ result: { fine: true } });
    await gateway.close();
  });

  test("that cannot be opened: connecting fails, and leaves nothing behind", async () => {
    const [near, downstream] = linked();
    const client = new RawClient(near);
    client.listen();
    const gateway = createGateway(recordingGuard(), () => Promise.reject(new Error("no server")));
    await expect(gateway.connect(downstream)).rejects.toThrow("no server");
    await client.untilClosed();
    await gateway.close();
  });

  test("is told the version that was agreed on, as transports over HTTP need it", async () => {
    const versions: string[] = [];
    await using scene = await open(
      {},
      { setProtocolVersion: (version) => void versions.push(version) },
    );
    await scene.client.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} });
    await scene.server.until(({ method }) => method === "initialize");
    await scene.server.answer(1, { protocolVersion: "2025-06-18" });
    await scene.client.answerTo(1);
    expect(versions).toEqual(["2025-06-18"]);
  });

  test("whose list changes under the gate shows only what may be called", async () => {
    await using scene = await open({ deny: ["w*"] });
    for (const [id, names] of [
      ["a", ["read"]],
      ["b", ["write", "read", "wipe"]],
    ] as const) {
      await scene.client.send({ jsonrpc: "2.0", id, method: "tools/list" });
      await scene.server.until((message) => message.id === id);
      const tools = [...names.map((name) => ({ name })), { name: 5 }, null];
      await scene.server.answer(id, { tools, nextCursor: "c" });
      expect((await scene.client.answerTo(id)).result).toEqual({
        tools: [{ name: "read" }],
        nextCursor: "c",
      });
    }
  });
});

describe("a client", () => {
  test("that disconnects in mid-call: its server is let go", async () => {
    await using scene = await open();
    await scene.client.send(call(1));
    await scene.server.until(({ method }) => method === "tools/call");
    await scene.client.close();
    await scene.server.untilClosed();
    expect(scene.problems).toEqual([]);
  });

  test("that disconnects while the authority is asked: the server never sees the call", async () => {
    const released = Promise.withResolvers<void>();
    // A server that takes its time to go, and could be given more to do meanwhile.
    await using scene = await open({}, { close: () => released.promise });
    const sent = scene.client.send(call(1));
    await scene.client.close();
    await sent;
    await immediate();
    expect(scene.guard.checks).toMatchObject([{ outcome: "aborted" }]);
    expect(scene.server.received).toEqual([]);
    released.resolve();
  });

  test.each([
    [[call(1)], null],
    [{ jsonrpc: "2.0", id: 1, method: 5 }, 1],
    [{ jsonrpc: "2.0", id: null, method: "tools/call", params: { name: "read" } }, null],
    [{ jsonrpc: "2.0", id: 1, method: "tools/call", params: "read" }, 1],
    ["tools/call", null],
  ])(
    "that sends what is no message is answered, and the server sees nothing: %j",
    async (given, id) => {
      await using scene = await open();
      await scene.client.send(given);
      expect(await scene.client.until((message) => Object(message).id === id)).toMatchObject({
        error: { code: -32600 },
      });
      expect(scene.server.received).toEqual([]);
      expect(scene.guard.checks).toEqual([]);
    },
  );

  test("that says more than a message may: nothing of it goes further", async () => {
    await using scene = await open();
    await scene.client.send({ ...call(1), Method: "ping", extra: { method: "ping" } });
    await scene.server.until(({ method }) => method === "tools/call");
    expect(scene.server.received).toEqual([call(1)]);
  });

  test("has nothing to do with another one", async () => {
    const servers: RawServer[] = [];
    const gateway = createGateway(recordingGuard(), () => {
      const [upstream, far] = linked();
      const server = new RawServer(far);
      server.listen();
      servers.push(server);
      return upstream;
    });
    const clients = await Promise.all(
      ["a", "b"].map(async () => {
        const [near, downstream] = linked();
        await gateway.connect(downstream);
        const client = new RawClient(near);
        client.listen();
        return client;
      }),
    );
    for (const [place, client] of clients.entries()) await client.send(call(1, `tool-${place}`));
    for (const [place, server] of servers.entries()) {
      await server.until(({ method }) => method === "tools/call");
      expect(server.received).toEqual([call(1, `tool-${place}`)]);
      await server.answer(1, { place });
    }
    for (const [place, client] of clients.entries()) {
      expect((await client.answerTo(1)).result).toEqual({ place });
    }
    await servers[0]?.close();
    await clients[0]?.untilClosed();
    expect(clients[1]?.isClosed).toBe(false);
    await gateway.close();
  });
});

test("whoever is told of trouble cannot cause any", async () => {
  const onError = (): never => {
    throw new Error("of its own");
  };
  await using scene = await open({ onError });
  await scene.server.answer(7, {});
  await scene.client.send({ jsonrpc: "2.0", id: 1, method: "ping" });
  expect(await scene.server.until(({ method }) => method === "ping")).toMatchObject({ id: 1 });
});

describe("what a server asks of its client", () => {
  const asked = (method: string, id: string): object => ({
    jsonrpc: "2.0",
    id,
    method,
    params: {},
  });

  test.each(["sampling/createMessage", "acme/run"])(
    "%s is work: it does not reach the client of a stopped device",
    async (method) => {
      await using scene = await open();
      await scene.server.send(asked(method, "s-1"));
      await scene.client.until(({ id }) => id === "s-1");
      scene.guard.deny();
      await scene.server.send(asked(method, "s-2"));
      expect(await scene.server.answerTo("s-2")).toMatchObject({
        error: { code: -32050, data: { code: "DEVICE_REVOKED" } },
      });
      await scene.server.send(asked("ping", "s-3"));
      await scene.client.until(({ id }) => id === "s-3");
      expect(scene.client.received.map(({ id }) => id)).toEqual(["s-1", "s-3"]);
    },
  );

  test("questions to a person and the roots are not asked about", async () => {
    await using scene = await open();
    scene.guard.deny();
    await scene.server.send(asked("elicitation/create", "s-1"));
    await scene.server.send(asked("roots/list", "s-2"));
    await scene.client.until(({ id }) => id === "s-2");
    expect(scene.guard.checks).toEqual([]);
  });
});
