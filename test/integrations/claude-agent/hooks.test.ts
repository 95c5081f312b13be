import type {
  HookInput,
  HookJSONOutput,
  Options,
  PreToolUseHookInput,
  UserPromptSubmitHookInput,
} from "@anthropic-ai/claude-agent-sdk";
import { describe, expect, test } from "vitest";
import { guardHooks, guardOptions } from "../../../integrations/claude-agent/index.ts";
import type { Hooks } from "../../../integrations/claude-agent/index.ts";
import { createGuard } from "../../../src/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { Mode } from "../../support/scripted-authority.ts";

const base = { session_id: "s", transcript_path: "/t", cwd: "/" };

const toolCall: PreToolUseHookInput = {
  ...base,
  hook_event_name: "PreToolUse",
  tool_name: "mcp__files__read",
  tool_input: { path: "a" },
  tool_use_id: "toolu_1",
};

const prompt: UserPromptSubmitHookInput = {
  ...base,
  hook_event_name: "UserPromptSubmit",
  prompt: "hello",
};

const noSignal = (): AbortSignal => new AbortController().signal;

/** Calls every hook that is registered for the input's event, as Claude Code does. */
async function fire(
  hooks: Hooks | undefined,
  input: HookInput,
  signal = noSignal(),
): Promise<HookJSONOutput[]> {
  const matchers = hooks?.[input.hook_event_name] ?? [];
  return Promise.all(
    matchers.flatMap(({ hooks }) => hooks.map((hook) => hook(input, "toolu_1", { signal }))),
  );
}

const reason = (code: string): string =>
  JSON.stringify({ reason: "execution_denied", code, retryable: false });

const denied = (code: string) => ({
  continue: false,
  stopReason: reason(code),
  hookSpecificOutput: {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: reason(code),
  },
});

const blocked = (code: string) => ({
  continue: false,
  stopReason: reason(code),
  decision: "block",
  reason: reason(code),
});

const modes: readonly [Mode, string][] = [
  ["revoked", "DEVICE_REVOKED"],
  ["hang", "AUTHORITY_TIMEOUT"],
  ["nonsense", "AUTHORITY_MALFORMED"],
  ["error", "AUTHORITY_ERROR"],
];

test.each(modes)("an authority that is %s denies tools and blocks prompts", async (mode, code) => {
  await using authority = await startScriptedAuthority(mode);
  const guard = createGuard(authority.client(), {
    deviceId: "a",
    register: false,
    checkTimeoutMs: mode === "hang" ? 100 : 10_000,
  });
  const hooks = guardHooks(guard);
  expect(await fire(hooks, toolCall)).toEqual([denied(code)]);
  expect(await fire(hooks, prompt)).toEqual([blocked(code)]);
});

test("an allow has no opinion, so that the user's own permissions decide", async () => {
  const guard = recordingGuard();
  const hooks = guardHooks(guard);
  expect(await fire(hooks, toolCall)).toEqual([{}]);
  expect(await fire(hooks, prompt)).toEqual([{}]);
  expect(guard.checks.map(({ boundary }) => boundary)).toEqual([
    { kind: "tool", name: "mcp__files__read" },
    { kind: "model" },
  ]);
});

test("the hooks stand for every tool, and a failure of theirs blocks", () => {
  for (const matchers of Object.values(guardHooks(recordingGuard()))) {
    expect(matchers).toHaveLength(1);
    expect(matchers[0]).toMatchObject({ onFailure: "block" });
    expect(matchers[0]).not.toHaveProperty("matcher");
  }
});

describe("whatever goes wrong is a denial, not a throw", () => {
  test("a signal that was aborted", async () => {
    const guard = recordingGuard();
    const [answer] = await fire(guardHooks(guard), toolCall, AbortSignal.abort("enough"));
    expect(answer).toEqual(denied("RUN_STOPPED"));
  });

  test.each([undefined, null, {}, { hook_event_name: "PreToolUse", tool_name: Symbol("x") }])(
    "input %s under a guard that denies",
    async (input) => {
      const guard = recordingGuard();
      guard.deny();
      const [matcher] = guardHooks(guard).PreToolUse;
      const hook = matcher?.hooks[0];
      const answer = await hook?.(input as never, undefined, { signal: noSignal() });
      expect(answer).toMatchObject({ hookSpecificOutput: { permissionDecision: "deny" } });
    },
  );

  test("no context at all", async () => {
    const [matcher] = guardHooks(recordingGuard()).PreToolUse;
    const answer = await matcher?.hooks[0]?.(toolCall, undefined, undefined as never);
    expect(answer).toEqual(denied("RUN_STOPPED"));
  });
});

test("within a run the first refusal holds, and nothing more is asked", async () => {
  const guard = recordingGuard();
  const hooks = guardHooks(guard.run());
  guard.deny();
  await fire(hooks, toolCall);
  guard.allow();
  expect(await fire(hooks, prompt)).toEqual([blocked("DEVICE_REVOKED")]);
});

test("with onDeny refuse the turn goes on", async () => {
  const guard = recordingGuard();
  guard.deny();
  const [answer] = await fire(guardHooks(guard, { onDeny: "refuse" }), toolCall);
  expect(answer).toEqual({ hookSpecificOutput: denied("DEVICE_REVOKED").hookSpecificOutput });
});

describe("guardOptions", () => {
  test("leaves the user's own hooks and options as they are", async () => {
    const guard = recordingGuard();
    const seen: string[] = [];
    const mine = async (input: HookInput): Promise<HookJSONOutput> => {
      seen.push(input.hook_event_name);
      return {};
    };
    const options: Options = {
      model: "claude-test",
      hooks: {
        PreToolUse: [{ matcher: "Bash", hooks: [mine], timeout: 3 }],
        Stop: [{ hooks: [mine] }],
      },
    };
    const guarded = guardOptions(guard, options);
    expect(guarded.model).toBe("claude-test");
    expect(guarded.hooks?.PreToolUse?.[1]).toEqual({ matcher: "Bash", hooks: [mine], timeout: 3 });
    expect(guarded.hooks?.Stop).toEqual([{ hooks: [mine] }]);
    expect(options.hooks?.PreToolUse).toHaveLength(1);
    await fire(guarded.hooks, toolCall);
    expect(seen).toEqual(["PreToolUse"]);
  });

  test("twice asks once", async () => {
    const guard = recordingGuard();
    await fire(guardOptions(guard, guardOptions(guard)).hooks, toolCall);
    expect(guard.checks).toHaveLength(1);
  });

  test("of a run aborts the query when the run is stopped", async () => {
    const guard = recordingGuard();
    const run = guard.run();
    const options = guardOptions(run);
    guard.deny();
    await fire(options.hooks, toolCall);
    expect(options.abortController?.signal.reason).toBe(run.stopped);
  });
});
