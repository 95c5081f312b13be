import type {
  HookInput,
  HookJSONOutput,
  PreToolUseHookInput,
  UserPromptSubmitHookInput,
} from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";
import { guardHooks } from "../../../integrations/claude-agent/index.ts";
import { answerHook } from "../../../src/cli/hook/claude-code.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";

/**
 * Claude Code is not run here. Its contract is the SDK's declarations: what a
 * hook is given and what it may answer, which these constants are checked with.
 */
const session = {
  session_id: "0f6c",
  transcript_path: "/tmp/transcript.jsonl",
  cwd: "/tmp",
  prompt_id: "b1e2",
  permission_mode: "default",
  agent_id: "sub-1",
  agent_type: "general-purpose",
};
const toolCall: PreToolUseHookInput = {
  ...session,
  hook_event_name: "PreToolUse",
  tool_name: "mcp__files__write",
  tool_input: { path: "/tmp/x", content: "…" },
  tool_use_id: "toolu_01",
};
const prompt: UserPromptSubmitHookInput = {
  ...session,
  hook_event_name: "UserPromptSubmit",
  prompt: "Go on",
  source: "user",
};

const reason = '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}';
const deniedTool: HookJSONOutput = {
  hookSpecificOutput: {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: reason,
  },
};
const blockedPrompt: HookJSONOutput = { decision: "block", reason };
const over = { continue: false, stopReason: reason } satisfies HookJSONOutput;

async function fromCommand(input: HookInput, isRevoked: boolean): Promise<unknown> {
  const guard = recordingGuard();
  if (isRevoked) guard.deny();
  const { exitCode, stdout } = await answerHook({
    input: (async function* bytes() {
      yield new TextEncoder().encode(JSON.stringify(input));
    })(),
    makeGuard: () => guard,
    deadlineMs: 5000,
  });
  expect(exitCode).toBe(0);
  return stdout === undefined ? {} : JSON.parse(stdout);
}

async function fromHooks(
  input: HookInput,
  isRevoked: boolean,
  onDeny: "stop" | "refuse",
): Promise<unknown> {
  const guard = recordingGuard();
  if (isRevoked) guard.deny();
  const gates = guardHooks(guard, { onDeny });
  const [hook] =
    gates[input.hook_event_name === "PreToolUse" ? "PreToolUse" : "UserPromptSubmit"][0]?.hooks ??
    [];
  return hook?.(input, undefined, { signal: new AbortController().signal });
}

test.each([
  [toolCall, deniedTool],
  [prompt, blockedPrompt],
])(
  "the command and the hooks answer $hook_event_name in the SDK's words",
  async (input, denied) => {
    expect(await fromCommand(input, false)).toEqual({});
    expect(await fromCommand(input, true)).toEqual(denied);
    expect(await fromHooks(input, false, "refuse")).toEqual({});
    expect(await fromHooks(input, true, "refuse")).toEqual(denied);
    expect(await fromHooks(input, true, "stop")).toEqual({ ...over, ...denied });
  },
);
