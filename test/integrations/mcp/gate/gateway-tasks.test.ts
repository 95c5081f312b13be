import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { call, open } from "./gateway-scene.ts";

describe("a task", () => {
  const task = { taskId: "t-1", status: "working", ttl: null };

  test("is cancelled when the device is stopped, and the answer to that is nobody's", async () => {
    await using scene = await open();
    await scene.client.send(call(1, "long", { task: {} }));
    await scene.server.until(({ method }) => method === "tools/call");
    await scene.server.answer(1, { task });
    expect(await scene.client.answerTo(1)).toMatchObject({ result: { task } });
    scene.guard.deny();
    await scene.client.send(call(2));
    const cancel = await scene.server.until(({ method }) => method === "tasks/cancel");
    expect(cancel.params).toEqual({ taskId: "t-1" });
    await scene.server.answer(cancel.id, { ...task, status: "cancelled" });
    await scene.client.answerTo(2);
    await scene.server.send({ jsonrpc: "2.0", method: "notifications/message", params: {} });
    await scene.client.until(({ method }) => method === "notifications/message");
    expect(scene.client.received.map(({ id }) => id)).toEqual([1, 2, undefined]);
  });

  test("that a server begins for a call that was stopped already is cancelled", async () => {
    await using scene = await open();
    await scene.client.send(call(1, "long", { task: {} }));
    await scene.server.until(({ method }) => method === "tools/call");
    scene.guard.deny();
    await scene.client.send(call(2));
    await scene.server.until(({ method }) => method === "notifications/cancelled");
    await scene.server.answer(1, { task });
    const { params } = await scene.server.until(({ method }) => method === "tasks/cancel");
    expect(params).toEqual({ taskId: "t-1" });
  });

  test("that a server begins for a call that the client gave up is cancelled, and its id no other's", async () => {
    await using scene = await open();
    await scene.client.send(call(1, "long", { task: {} }));
    await scene.server.until(({ method }) => method === "tools/call");
    const params = { requestId: 1 };
    await scene.client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    await scene.client.send(call(1, "other"));
    expect(await scene.client.answerTo(1)).toMatchObject({ error: { code: -32600 } });
    await scene.server.answer(1, { task });
    await scene.server.until(({ method }) => method === "tasks/cancel");
    expect(scene.server.received.filter(({ method }) => method === "tools/call")).toHaveLength(1);
  });

  test.each([
    ["told so", { method: "notifications/tasks/status", params: { ...task, status: "failed" } }],
    ["asked for", { id: 9, result: { ...task, status: "completed" } }],
    [
      "fetched",
      { id: 9, result: { _meta: { "io.modelcontextprotocol/related-task": { taskId: "t-1" } } } },
    ],
  ])("that is over, as it was %s, is not cancelled", async (_how, end) => {
    await using scene = await open();
    await scene.client.send(call(1, "long", { task: {} }));
    await scene.server.until(({ method }) => method === "tools/call");
    await scene.server.answer(1, { task });
    await scene.client.answerTo(1);
    await scene.client.send({ jsonrpc: "2.0", id: 9, method: "tasks/get", params: task });
    await scene.server.until(({ id }) => id === 9);
    await scene.server.send({ jsonrpc: "2.0", ...end });
    scene.guard.deny();
    await scene.client.send(call(2));
    await scene.client.answerTo(2);
    await immediate();
    expect(scene.server.received.filter(({ method }) => method === "tasks/cancel")).toEqual([]);
  });
});
