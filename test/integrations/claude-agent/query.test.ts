import type { HookInput, Options, Query, query as realQuery } from "@anthropic-ai/claude-agent-sdk";
import { expect, expectTypeOf, test } from "vitest";
import { guardOptions, guardQuery } from "../../../integrations/claude-agent/index.ts";
import { ExecutionDeniedError } from "../../../src/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";

type Call = { readonly prompt: string; readonly options?: Options | undefined };

/** Stands for the process: what it was started with, and how it fared. */
class ScriptedClaude {
  readonly started: Call[] = [];
  readonly tools: string[] = [];
  closed = 0;
  interrupted = 0;

  /** Says one message per tool, each after its PreToolUse hooks. */
  readonly #calls: readonly string[];
  readonly #before: ((tool: string) => void) | undefined;

  constructor(calls: readonly string[], before?: (tool: string) => void) {
    this.#calls = calls;
    this.#before = before;
  }

  readonly query = (call: Call) => {
    this.started.push(call);
    const messages = this.#speak(call.options ?? {});
    return Object.assign(messages, {
      close: () => void (this.closed += 1),
      interrupt: async () => void (this.interrupted += 1),
    });
  };

  async *#speak(options: Options): AsyncGenerator<string, void> {
    for (const tool of this.#calls) {
      this.#before?.(tool);
      const input = { hook_event_name: "PreToolUse", tool_name: tool } as HookInput;
      const signal = new AbortController().signal;
      const hooks = options.hooks?.PreToolUse?.flatMap(({ hooks }) => hooks) ?? [];
      const answers = await Promise.all(hooks.map((hook) => hook(input, tool, { signal })));
      if (answers.every((answer) => Object.keys(answer).length === 0)) this.tools.push(tool);
      yield tool;
    }
  }
}

async function read(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a query runs as without a guard when it is allowed, as one run", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(["Read", "Bash"]);
  const messages = await read(guardQuery(guard, claude.query)({ prompt: "go" }));
  expect(messages).toEqual(["Read", "Bash"]);
  expect(claude.tools).toEqual(["Read", "Bash"]);
  expect(claude.started[0]?.prompt).toBe("go");
  expect(guard.checks.map(({ boundary }) => boundary.name ?? boundary.kind)).toEqual([
    "run",
    "Read",
    "Bash",
  ]);
  expect(new Set(guard.checks.map(({ runId }) => runId)).size).toBe(1);
});

test("Claude Code is not started without an allow", async () => {
  const guard = recordingGuard();
  guard.deny();
  const claude = new ScriptedClaude(["Read"]);
  const error = await rejection(read(guardQuery(guard, claude.query)({ prompt: "go" })));
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(claude.started).toEqual([]);
});

test("a refused tool ends the query with the refusal, and aborts it", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(
    ["Read", "Bash", "Write"],
    (tool) => tool === "Bash" && guard.deny(),
  );
  const error = await rejection(read(guardQuery(guard, claude.query)({ prompt: "go" })));
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(error).toMatchObject({ boundary: { kind: "tool", name: "Bash" } });
  expect(claude.tools).toEqual(["Read"]);
  expect(claude.started[0]?.options?.abortController?.signal.reason).toBe(error);
});

test("with onDeny refuse the query goes on without the tool", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(["Read", "Bash", "Write"], (tool) =>
    tool === "Bash" ? guard.deny() : guard.allow(),
  );
  const gated = guardQuery(guard, claude.query, { onDeny: "refuse" });
  await expect(read(gated({ prompt: "go" }))).resolves.toHaveLength(3);
  expect(claude.tools).toEqual(["Read", "Write"]);
});

test("the caller's abort ends the query before and after its start", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(["Read"]);
  const before = new AbortController();
  before.abort("enough");
  const gated = guardQuery(guard, claude.query);
  const options = { abortController: before };
  expect(await rejection(read(gated({ prompt: "go", options })))).toBe("enough");
  expect(claude.started).toEqual([]);
  const after = new AbortController();
  await read(gated({ prompt: "go", options: { abortController: after } }));
  after.abort("enough");
  expect(claude.started[0]?.options?.abortController?.signal.reason).toBe("enough");
});

test("options that are guarded already do not ask twice", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(["Read"]);
  const options = guardOptions(guard);
  await read(guardQuery(guard, claude.query)({ prompt: "go", options }));
  expect(guard.checks.map(({ boundary }) => boundary.kind)).toEqual(["run", "tool"]);
});

test("control requests wait for the start; a query closed before it never starts", async () => {
  const guard = recordingGuard();
  const claude = new ScriptedClaude(["Read"]);
  const gated = guardQuery(guard, claude.query);
  const running = gated({ prompt: "go" });
  await running.interrupt();
  expect(claude.interrupted).toBe(1);
  running.close();
  expect(claude.closed).toBe(1);
  const closed = gated({ prompt: "go" });
  closed.close();
  expect(await read(closed)).toEqual([]);
  expect(claude.started).toHaveLength(1);
});

test("the SDK's own query keeps its type", () => {
  const typed = (query: typeof realQuery) => guardQuery(recordingGuard(), query);
  expectTypeOf<ReturnType<typeof typed>>().returns.toEqualTypeOf<Query>();
  expectTypeOf<ReturnType<typeof typed>>()
    .parameter(0)
    .toEqualTypeOf<Parameters<typeof realQuery>[0]>();
});
