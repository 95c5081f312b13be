/**
 * The hooks that a guarded query gives to Claude Code, called here as Claude
 * Code calls them: an allow has no opinion, and after a revocation tools are
 * denied and prompts are blocked, with the fixed payload as the reason. The
 * user's own hook stays.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY. Claude Code itself is not run.
 */
import assert from "node:assert/strict";
import type { HookInput, HookJSONOutput } from "@anthropic-ai/claude-agent-sdk";
import { guardOptions } from "../../integrations/claude-agent/index.ts";
import { createGuard, MachineID } from "../../src/index.ts";

const DEVICE_ID = "example:claude-agent:01";
const client = MachineID.fromEnv();
await using guard = createGuard(client, { deviceId: DEVICE_ID });

const audited: string[] = [];
const options = guardOptions(guard, {
  hooks: {
    PreToolUse: [
      {
        hooks: [
          async (input): Promise<HookJSONOutput> => {
            audited.push(input.hook_event_name);
            return {};
          },
        ],
      },
    ],
  },
});

async function fire(input: HookInput): Promise<HookJSONOutput[]> {
  const hooks = options.hooks?.[input.hook_event_name]?.flatMap((matcher) => matcher.hooks) ?? [];
  const { signal } = new AbortController();
  return Promise.all(hooks.map((hook) => hook(input, undefined, { signal })));
}

const session = { session_id: "s", transcript_path: "/dev/null", cwd: "/" };
const toolCall: HookInput = {
  ...session,
  hook_event_name: "PreToolUse",
  tool_name: "Bash",
  tool_input: { command: "ls" },
  tool_use_id: "toolu_1",
};
const prompt: HookInput = { ...session, hook_event_name: "UserPromptSubmit", prompt: "Go on" };

assert.deepEqual(await fire(toolCall), [{}, {}]);
assert.deepEqual(await fire(prompt), [{}]);

await client.revoke(DEVICE_ID);
const reason = JSON.stringify({
  reason: "execution_denied",
  code: "DEVICE_REVOKED",
  retryable: false,
});
assert.deepEqual(await fire(toolCall), [
  {
    continue: false,
    stopReason: reason,
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: "deny",
      permissionDecisionReason: reason,
    },
  },
  {},
]);
assert.deepEqual(await fire(prompt), [
  { continue: false, stopReason: reason, decision: "block", reason },
]);
assert.deepEqual(audited, ["PreToolUse", "PreToolUse"]);
process.stdout.write(`Bash was denied, and the prompt blocked: ${reason}\n`);
