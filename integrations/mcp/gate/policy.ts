import { InvalidArgumentError } from "../../../src/index.ts";
import type { Boundary } from "../../../src/index.ts";
import { isRecord, textMember } from "./message.ts";
import type { Call } from "./message.ts";

/** What a gate lets be asked for. Tool calls are always gated. */
export interface GateOptions {
  /**
   * Names of the only tools that may be called; `*` stands for any text. All
   * others are refused without asking, and left out of `tools/list`.
   *
   * @default every tool
   */
  readonly allow?: readonly string[] | undefined;
  /** Names of tools that may never be called; wins over `allow`. @default none */
  readonly deny?: readonly string[] | undefined;
  /** Gate `resources/read`, too. @default false */
  readonly resources?: boolean | undefined;
  /** Gate `prompts/get`, too. @default false */
  readonly prompts?: boolean | undefined;
  /** Gate `completion/complete`, too. @default false */
  readonly completions?: boolean | undefined;
  /**
   * How often calls in flight are asked about again, in milliseconds. One that
   * is refused then is cancelled. All calls of a session share one request.
   *
   * @default 2000
   */
  readonly recheckMs?: number | undefined;
  /**
   * Ask the authority about every call, also where a lease would decide it. What
   * is stopped is pushed to the calls in flight all the same.
   *
   * @default false
   */
  readonly strict?: boolean | undefined;
}

const DEFAULT_RECHECK_MS = 2000;
const MAX_RECHECK_MS = 60_000;
/** Names come from the client, and go into events. */
const MAX_NAME_LENGTH = 256;

/** Requests that begin no work. Any other one does, known or not. */
const FREE: ReadonlySet<string> = new Set([
  "initialize",
  "server/discover",
  "ping",
  "logging/setLevel",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/subscribe",
  "resources/unsubscribe",
  "subscriptions/listen",
  "tasks/list",
  // Ending work is never refused.
  "tasks/cancel",
]);

/** Notifications that begin no work. What others mean is known to the server alone. */
const FREE_NOTIFICATIONS: ReadonlySet<string> = new Set([
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
  "notifications/tasks/status",
]);

/** What a server may ask of its client that begins no work there. */
const FREE_AT_CLIENT: ReadonlySet<string> = new Set([
  "ping",
  "roots/list",
  "elicitation/create",
  "tasks/get",
  "tasks/result",
  "tasks/list",
  "tasks/cancel",
]);

/** What is gated, and what may not be called at all. */
export interface GatePolicy {
  readonly recheckMs: number;
  /** Whether the authority decides every call itself. */
  readonly strict: boolean;
  /** Whether some tools may not be called at all. */
  readonly isSelective: boolean;
  /** Where the work begins that a call asks for; undefined when it begins none. */
  boundaryOf(call: Call): Boundary | undefined;
  /** The same for what a server asks of its client. */
  boundaryAtClient(call: Call): Boundary | undefined;
  /** Whether the lists let it be asked for. */
  mayBegin(call: Call): boolean;
  /** Whether a tool of this name may be shown. */
  mayList(tool: string | undefined): boolean;
}

/** @throws {@link InvalidArgumentError} `OPTION_INVALID` */
export function createPolicy(options: GateOptions = {}): GatePolicy {
  const { resources, prompts, completions, strict, recheckMs = DEFAULT_RECHECK_MS } = options;
  for (const [name, value] of Object.entries({ resources, prompts, completions, strict })) {
    if (value !== undefined && typeof value !== "boolean") throw invalid(`${name} is a boolean`);
  }
  if (!Number.isFinite(recheckMs) || recheckMs < 1 || recheckMs > MAX_RECHECK_MS) {
    throw invalid(`recheckMs is a number of milliseconds from 1 to ${MAX_RECHECK_MS}`);
  }
  const allow = matcher("allow", options.allow);
  const deny = matcher("deny", options.deny);
  const free = new Set([...FREE, ...FREE_NOTIFICATIONS]);
  if (resources !== true) free.add("resources/read");
  if (prompts !== true) free.add("prompts/get");
  if (completions !== true) free.add("completion/complete");
  const mayList = (tool: string | undefined): boolean => {
    if (allow === undefined && deny === undefined) return true;
    if (tool === undefined) return false;
    return (allow?.(tool) ?? true) && !(deny?.(tool) ?? false);
  };
  return {
    recheckMs,
    strict: strict === true,
    isSelective: allow !== undefined || deny !== undefined,
    boundaryOf: (call) => (free.has(call.method) ? undefined : boundaryOf(call)),
    boundaryAtClient: (call) => (FREE_AT_CLIENT.has(call.method) ? undefined : boundaryOf(call)),
    mayBegin: ({ method, params }) =>
      method !== "tools/call" || mayList(textMember(params, "name")),
    mayList,
  };
}

function boundaryOf({ method, params }: Call): Boundary {
  const named = (kind: Boundary["kind"], member: string): Boundary => ({
    kind,
    name: textMember(params, member)?.slice(0, MAX_NAME_LENGTH),
  });
  switch (method) {
    case "tools/call":
      return named("tool", "name");
    case "resources/read":
      return named("retrieval", "uri");
    case "prompts/get":
      return named("retrieval", "name");
    case "sampling/createMessage":
      return { kind: "model", name: method };
    case "tasks/get":
    case "tasks/result":
    case "tasks/update":
      return named("task", "taskId");
    default:
      return { kind: "side_effect", name: method.slice(0, MAX_NAME_LENGTH) };
  }
}

/**
 * Whether another reader could find another tool's name in a call: some parsers
 * take names of members without regard to case.
 */
export function isAmbiguous({ method, params }: Call): boolean {
  if (method !== "tools/call" || !isRecord(params)) return false;
  return Object.keys(params).some((key) => key !== "name" && key.toLowerCase() === "name");
}

type Matcher = (name: string) => boolean;

function matcher(option: string, patterns: readonly string[] | undefined): Matcher | undefined {
  if (patterns === undefined) return undefined;
  if (!Array.isArray(patterns) || !patterns.every((each) => typeof each === "string")) {
    throw invalid(`${option} is a list of names`);
  }
  const globs = patterns.map((pattern) => pattern.split("*"));
  return (name) => globs.some((parts) => matches(parts, name));
}

/** Whether a name has the parts of a pattern in order: the first begins it, the last ends it. */
function matches(parts: readonly string[], name: string): boolean {
  const [first = "", ...others] = parts;
  const last = others.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let position = first.length;
  for (const part of others) {
    const found = name.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return name.length - last.length >= position && name.endsWith(last);
}

const invalid = (problem: string): InvalidArgumentError =>
  new InvalidArgumentError("OPTION_INVALID", `Option of an MCP gate: ${problem}`);
