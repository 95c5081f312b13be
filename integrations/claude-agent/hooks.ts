import type {
  HookCallback,
  HookCallbackMatcher,
  HookEvent,
  HookInput,
  HookJSONOutput,
} from "@anthropic-ai/claude-agent-sdk";
import { denialPayload, ExecutionStoppedError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";

export interface GuardHooksOptions {
  /**
   * - `stop`: a refusal ends the session's turn as well as the tool call or prompt
   * - `refuse`: the tool call or prompt is blocked, Claude reads a fixed payload,
   *   and goes on; each call asks anew
   *
   * @default "stop"
   */
  readonly onDeny?: "stop" | "refuse" | undefined;
}

/** Hooks by event, as `options.hooks` has them. */
export type Hooks = Partial<Record<HookEvent, HookCallbackMatcher[]>>;

const owners = new WeakMap<HookCallback, Guard | Run>();

/**
 * Hooks that ask before every tool call (`PreToolUse`, all tools, those of MCP
 * servers and of subagents among them), at the boundary `tool` with its name, and
 * before every prompt (`UserPromptSubmit`), at the boundary `model`.
 *
 * They deny whatever goes wrong. Should one fail even so, or not answer in time,
 * `onFailure: "block"` blocks: without it Claude Code goes ahead.
 *
 * Given a {@link Guard}, each question is a run of its own; given a {@link Run},
 * they share its latch.
 */
export function guardHooks(
  guard: Guard | Run,
  options: GuardHooksOptions = {},
): Required<Pick<Hooks, "PreToolUse" | "UserPromptSubmit">> {
  const gate = (
    answer: (reason: string, isOver: boolean) => HookJSONOutput,
  ): HookCallbackMatcher => {
    const hook = hookOf(guard, options.onDeny ?? "stop", answer);
    owners.set(hook, guard);
    return { hooks: [hook], onFailure: "block" };
  };
  return { PreToolUse: [gate(denyTool)], UserPromptSubmit: [gate(blockPrompt)] };
}

/**
 * Adds {@link guardHooks} to hooks that are there already, which stay as they
 * are; a deny wins over whatever they answer. Gates of the same owner, or of one
 * of `replaced`, make way, so that nothing asks twice.
 */
export function mergeHooks(
  guard: Guard | Run,
  hooks: Hooks | undefined,
  options: GuardHooksOptions = {},
  replaced: readonly (Guard | Run)[] = [],
): Hooks {
  const isGate = (hook: HookCallback): boolean => {
    const owner = owners.get(hook);
    return owner !== undefined && (owner === guard || replaced.includes(owner));
  };
  const merged: Hooks = { ...hooks };
  for (const [event, gates] of Object.entries(guardHooks(guard, options))) {
    const name = event as "PreToolUse" | "UserPromptSubmit";
    const others = (hooks?.[name] ?? []).map((matcher) => ({
      ...matcher,
      hooks: matcher.hooks.filter((hook) => !isGate(hook)),
    }));
    merged[name] = [...gates, ...others.filter((matcher) => matcher.hooks.length > 0)];
  }
  return merged;
}

function hookOf(
  owner: Guard | Run,
  onDeny: "stop" | "refuse",
  answer: (reason: string, isOver: boolean) => HookJSONOutput,
): HookCallback {
  return async (input, _toolUseId, context) => {
    try {
      const { signal } = context;
      await owner.check(boundaryOf(input), { signal });
      // No opinion: the user's own permissions decide on.
      return {};
    } catch (error) {
      const code = ExecutionStoppedError.isInstance(error) ? error.code : "RUN_STOPPED";
      return answer(JSON.stringify(denialPayload({ code })), onDeny === "stop");
    }
  };
}

function boundaryOf(input: HookInput): Boundary {
  if (input.hook_event_name !== "PreToolUse") return { kind: "model" };
  return { kind: "tool", name: input.tool_name };
}

const over = (reason: string, isOver: boolean): { continue?: false; stopReason?: string } =>
  isOver ? { continue: false, stopReason: reason } : {};

const denyTool = (reason: string, isOver: boolean): HookJSONOutput => ({
  ...over(reason, isOver),
  hookSpecificOutput: {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: reason,
  },
});

const blockPrompt = (reason: string, isOver: boolean): HookJSONOutput => ({
  ...over(reason, isOver),
  decision: "block",
  reason,
});
