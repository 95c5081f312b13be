import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard } from "../../src/index.ts";
import { gateModels } from "./agent-models.ts";
import { gateSteps } from "./agent-steps.ts";
import type { GateOptions } from "./agent-steps.ts";
import { gateTools } from "./agent-tools.ts";
import { isFunction, isObject, methodOf } from "../shared/gated-view.ts";
import { signalOf } from "./model.ts";
import { replaceMethod } from "./replace-method.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { currentRun, inScope } from "../shared/run-scope.ts";
import { stoppableOutput } from "./stopped-output.ts";

/** Ways to start an agent; each takes its options, with `abortSignal`, as its second argument. */
const ENTRIES = [
  "generate",
  "stream",
  "resumeGenerate",
  "resumeStream",
  "network",
  "resumeNetwork",
  "generateLegacy",
  "streamLegacy",
] as const;

/** Where an agent gets its models and tools from. Without these it cannot be gated. */
const SOURCES = ["resolveModelConfig", "convertTools", "wrapToolsWithHooks", "listTools"] as const;

const guardedAgents = new WeakMap<object, Set<Guard>>();

/**
 * Gates an agent, and returns that same agent: from now on every way to start it
 * is one run, which asks before it begins, at the boundary `run` with the agent's
 * name, and then before every model call and every tool, wherever these come
 * from: fallbacks and models by their id, its own tools, toolsets, MCP servers,
 * memory, workspace, skills, sub-agents (which are gated likewise) and workflows.
 *
 * Once refused, nothing of the run begins, its signal is aborted, and the call,
 * its promises and its streams fail with the refusal itself, whatever Mastra made
 * of it inside. Guarding an agent twice asks once.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no
 * agent, or an agent of a version that cannot be gated
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 */
export function guardAgent<A extends object>(guard: Guard, agent: A): A {
  if (!isAgent(agent)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "What was given is no Agent of Mastra's, or of a version that cannot be gated. Guard its model and tools with guardModel and guardTools",
    );
  }
  const guards = guardedAgents.get(agent) ?? new Set();
  if (guards.has(guard)) return agent;
  guardedAgents.set(agent, guards.add(guard));
  gateModels(guard, agent);
  const gateOptions = gateSteps(guard, agent, gateTools(guard, agent));
  for (const name of ENTRIES) gateEntry(guard, agent, name, gateOptions);
  replaceMethod(agent, "listAgents", (original) => async (...args) => {
    const agents: unknown = await original(...args);
    if (isObject(agents)) for (const each of Object.values(agents)) guardSubAgent(guard, each);
    return agents;
  });
  replaceMethod(agent, "__fork", (original) => (...args) => {
    const fork = original(...args);
    return isObject(fork) ? guardAgent(guard, fork) : fork;
  });
  return agent;
}

/** An agent that runs elsewhere has no model or tools here; the tool that calls it is gated. */
function guardSubAgent(guard: Guard, agent: unknown): void {
  if (isObject(agent) && isAgent(agent)) guardAgent(guard, agent);
}

function gateEntry(
  guard: Guard,
  agent: object,
  name: (typeof ENTRIES)[number],
  gateOptions: GateOptions,
): void {
  replaceMethod(agent, name, (original) => async (input, given, ...rest) => {
    const options: object = isObject(given) ? given : {};
    const signal = signalOf(options) ?? (await defaultSignal(agent, options));
    const run = currentRun(guard) ?? guard.run({ signal });
    const boundary: Boundary = { kind: "run", name: nameOf(agent) };
    const begin = (abortSignal: AbortSignal): unknown =>
      inScope(guard, run, () => original(input, { ...gateOptions(options), abortSignal }, ...rest));
    const output = await protectUntilStopped(run, boundary, begin, { signal });
    return name.startsWith("generate") || name === "resumeGenerate"
      ? output
      : stoppableOutput(run, output);
  });
}

/** The signal in the options that the agent uses when a call brings none. */
async function defaultSignal(agent: object, options: object): Promise<AbortSignal | undefined> {
  const requestContext: unknown = Reflect.get(options, "requestContext");
  const given = requestContext === undefined ? {} : { requestContext };
  return signalOf(await methodOf(agent, "getDefaultOptions")?.(given));
}

function nameOf(agent: object): string | undefined {
  const name: unknown = Reflect.get(agent, "name");
  return typeof name === "string" ? name : undefined;
}

const isAgent = (value: object): boolean =>
  [...SOURCES, "generate", "stream"].every((name) => isFunction(Reflect.get(value, name)));
