import type { Door } from "../shared/door.ts";

const NOT_RUN =
  "the hook itself is tested; that Claude Code obeys it is its documented behaviour, and was not run";

/** Ways into guarded work under the Claude Agent SDK and Claude Code. */
export const doors: readonly Door[] = [
  {
    door: "tool",
    entry: "PreToolUse hook",
    closed: true,
    surfaces: "the call is denied with the fixed payload, and the turn ends",
    note: NOT_RUN,
  },
  {
    door: "model",
    entry: "UserPromptSubmit hook",
    closed: true,
    surfaces: "the prompt is blocked with the fixed payload, and the turn ends",
    note: NOT_RUN,
  },
  {
    door: "run",
    entry: "guardQuery: query()",
    closed: true,
    surfaces: "reading the query throws the refusal itself",
  },
  {
    door: "tool",
    entry: "machineid hook claude-code",
    closed: true,
    surfaces: "the call is denied with the fixed payload",
    note: NOT_RUN,
  },
  {
    door: "model",
    entry: "model calls between two tools of one turn",
    closed: false,
    surfaces: "not asked",
    note: "no hook that can block is told of them; the next tool call or prompt is refused",
  },
  {
    door: "read",
    entry: "files that a prompt mentions with @",
    closed: false,
    surfaces: "not asked",
    note: "Claude Code reads them with the prompt, which asks; no tool is called",
  },
  {
    door: "tool",
    entry: "tools that run at the provider",
    closed: false,
    surfaces: "not asked",
    note: "they run within a model call",
  },
  {
    door: "tool",
    entry: "hooks turned off by settings (disableAllHooks, allowManagedHooksOnly)",
    closed: false,
    surfaces: "not asked",
    note: "managed settings of the machine's administrator win over an application; name the hook command in the managed settings there",
  },
];
