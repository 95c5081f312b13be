import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { HookInput, HookJSONOutput } from "@anthropic-ai/claude-agent-sdk";
import { guardOptions } from "machineid-io/claude-agent";
import { startTestAuthority } from "machineid-io/testing";

/**
 * The SDK starts Claude Code as another process, which is not run here. What is
 * looked at is that this version's declarations have every word that the hooks
 * answer with, and the option that makes a failing hook block.
 */
const declarations = readFileSync("node_modules/@anthropic-ai/claude-agent-sdk/sdk.d.ts", "utf8");
for (const word of ["onFailure", "permissionDecisionReason", "stopReason", "tool_use_id"]) {
  assert.match(declarations, new RegExp(`\\b${word}\\??:`), `this version knows no ${word}`);
}
assert.match(declarations, /onFailure\?: .*'block'/, "a failing hook cannot be told to block");

await using authority = await startTestAuthority();
const guard = authority.guard("agent-01");
const { hooks = {} } = guardOptions(guard);

async function answersTo(event: "PreToolUse" | "UserPromptSubmit"): Promise<HookJSONOutput[]> {
  const session = { session_id: "s", transcript_path: "/dev/null", cwd: "/" };
  const input: HookInput =
    event === "UserPromptSubmit"
      ? { ...session, hook_event_name: event, prompt: "go" }
      : { ...session, hook_event_name: event, tool_name: "Bash", tool_input: {}, tool_use_id: "1" };
  const { signal } = new AbortController();
  const matchers = hooks[event] ?? [];
  assert.ok(matchers.length > 0 && matchers.every(({ onFailure }) => onFailure === "block"));
  return Promise.all(
    matchers.flatMap(({ hooks: each }) => each.map((hook) => hook(input, "tool-1", { signal }))),
  );
}

async function expectDenied(code: string): Promise<void> {
  const reason = JSON.stringify({ reason: "execution_denied", code, retryable: false });
  const hookSpecificOutput = {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: reason,
  };
  const over = { continue: false, stopReason: reason };
  assert.deepEqual(await answersTo("PreToolUse"), [{ ...over, hookSpecificOutput }]);
  assert.deepEqual(await answersTo("UserPromptSubmit"), [{ ...over, decision: "block", reason }]);
}

assert.deepEqual(await answersTo("PreToolUse"), [{}]);
assert.deepEqual(await answersTo("UserPromptSubmit"), [{}]);
await authority.client.revoke("agent-01");
await expectDenied("DEVICE_REVOKED");
await authority.close();
await expectDenied("AUTHORITY_UNREACHABLE");
process.stdout.write("     guardOptions, hooks\n");
