import { expect, test } from "vitest";
import { Gate } from "../../../../integrations/mcp/gate/gate.ts";
import type { Message } from "../../../../integrations/mcp/gate/message.ts";
import { createPolicy } from "../../../../integrations/mcp/gate/policy.ts";
import { ExecutionDeniedError } from "../../../../src/index.ts";
import type { Guard, Run, WorkContext } from "../../../../src/index.ts";

/** A guard that allows at once, and is stopped at the very moment that a test says. */
function stoppableGuard(): { readonly guard: Guard; readonly stop: () => void } {
  const controller = new AbortController();
  const stopped = new ExecutionDeniedError("DEVICE_REVOKED", {
    boundary: { kind: "tool" },
    deviceId: "a",
    runId: "r",
  });
  const run: Partial<Run> = {
    signal: controller.signal,
    get stopped() {
      return controller.signal.aborted ? stopped : undefined;
    },
    protect: async (_boundary, work) =>
      work(controller.signal, { fence: undefined } as WorkContext),
  };
  return {
    guard: { run: () => run } as unknown as Guard,
    stop: () => controller.abort(stopped),
  };
}

test.each([
  ["the answer first", ["answer", "stop"], { content: [] }],
  ["the stop first", ["stop", "answer"], { isError: true }],
  ["stopped twice", ["stop", "stop"], { isError: true }],
] as const)(
  "an answer and a stop at one moment make one answer: %s",
  async (_what, order, result) => {
    const { guard, stop } = stoppableGuard();
    const answers: Message[] = [];
    const gate = new Gate(guard, createPolicy(), {
      toServer: () => undefined,
      toClient: async (message) => void answers.push(message),
    });
    gate.fromClient({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "read" } });
    const happen = {
      stop,
      answer: () => void gate.fromServer({ jsonrpc: "2.0", id: 1, result: { content: [] } }),
    };
    for (const each of order) happen[each]();
    await Promise.resolve();
    expect(answers).toMatchObject([{ id: 1, result }]);
  },
);
