import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";
import {
  createAgent,
  createMiddleware,
  humanInTheLoopMiddleware,
  modelFallbackMiddleware,
  modelRetryMiddleware,
  toolErrorMiddleware,
  toolRetryMiddleware,
} from "langchain";
import type { AnyAgentMiddleware } from "langchain";
import { z } from "zod";
import type { Gates, Way, Ways } from "./gates.ts";
import { callingModel, sceneTool } from "./scene-models.ts";
import { drain } from "./scene.ts";
import type { Scene } from "./scene.ts";

interface Making {
  readonly calls?: readonly string[];
  readonly listed?: readonly string[];
  readonly before?: () => AnyAgentMiddleware[];
  readonly after?: () => AnyAgentMiddleware[];
}

function agentOf(gates: Gates, scene: Scene, making: Making = {}) {
  const { calls = ["search"], listed = calls, before, after } = making;
  return createAgent({
    model: callingModel(scene, ...calls),
    tools: listed.map((name) => sceneTool(scene, name)),
    middleware: [...(before?.() ?? []), ...gates.middleware(), ...(after?.() ?? [])],
    checkpointer: new MemorySaver(),
  });
}

type Agent = ReturnType<typeof agentOf>;
type Use = (agent: Agent, config: RunnableConfig) => Promise<unknown>;

const start = { messages: [new HumanMessage({ content: "go", id: "go" })] };
const SOLO = ["model 1", "search", "model 2"];

const invoke: Use = (agent, config) => agent.invoke(start, config);

const uses: Readonly<Record<string, Use>> = {
  invoke,
  stream: (agent, config) => drain(agent.stream(start, config)),
  "stream, all modes": (agent, config) =>
    drain(
      agent.stream(start, { ...config, streamMode: ["values", "updates", "messages", "tools"] }),
    ),
  "streamEvents v2": (agent, config) =>
    drain(agent.streamEvents(start, { ...config, version: "v2" })),
  "streamEvents v3, its output": async (agent, config) =>
    (await agent.streamEvents(start, { ...config, version: "v3" })).output,
  "streamEvents v3, its events": async (agent, config) =>
    drain(await agent.streamEvents(start, { ...config, version: "v3" })),
  "streamEvents v3, its values": async (agent, config) =>
    drain((await agent.streamEvents(start, { ...config, version: "v3" })).values),
};

/** The vendor's own middlewares do not fit its own list under exactOptionalPropertyTypes. */
const listOf = (...middleware: { name: string }[]): AnyAgentMiddleware[] => middleware;

const swallowing = (): AnyAgentMiddleware[] =>
  listOf(toolErrorMiddleware({ onError: () => "something went wrong" }));
const retrying = (): AnyAgentMiddleware[] =>
  listOf(
    toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 0, jitter: false }),
    modelRetryMiddleware({ maxRetries: 2, initialDelayMs: 0, jitter: false }),
  );

/** Supplies a tool that the agent does not list. */
const supplying = (scene: Scene) => (): AnyAgentMiddleware[] => [
  createMiddleware({
    name: "Supplying",
    wrapToolCall: (request, handler) =>
      handler({ ...request, tool: request.tool ?? sceneTool(scene, request.toolCall.name) }),
  }),
];

const answering = (scene: Scene) => (): AnyAgentMiddleware[] => [
  createMiddleware({
    name: "Answering",
    wrapToolCall: async ({ toolCall }) => {
      await scene.enter(toolCall.name);
      return new ToolMessage({ content: "made up", tool_call_id: toolCall.id ?? "" });
    },
  }),
];

const PARALLEL = {
  bodies: ["model 1", "search", "fetch", "model 2"],
  isParallel: true,
};

/** The agent's ways, gated by middleware, or as a whole by `whole`. */
function agentWays(prepare: (gates: Gates, agent: Agent) => Agent): Record<string, Way> {
  const way = (use: Use, making: (scene: Scene) => Making, bodies = SOLO): Way => ({
    bodies,
    call: (gates, scene, signal) =>
      use(prepare(gates, agentOf(gates, scene, making(scene))), {
        configurable: { thread_id: "thread" },
        ...(signal === undefined ? {} : { signal }),
      }),
  });
  const resume: Use = async (agent, config) => {
    await agent.invoke(start, config);
    const decisions = [{ type: "approve" }];
    return agent.invoke(new Command({ resume: { decisions } }), config);
  };
  const asking = (): AnyAgentMiddleware[] =>
    // The vendor's type of its options comes out as never here.
    listOf(Reflect.apply(humanInTheLoopMiddleware, undefined, [{ interruptOn: { search: true } }]));
  return {
    ...Object.fromEntries(
      Object.entries(uses).map(([entry, use]) => [entry, way(use, () => ({}))]),
    ),
    "parallel calls": {
      ...way(invoke, () => ({ calls: ["search", "fetch"] })),
      ...PARALLEL,
    },
    "resume after a human": way(resume, () => ({ after: asking })),
    "a tool that nobody listed": way(invoke, (scene) => ({
      listed: [],
      after: supplying(scene),
    })),
    "a middleware that answers for the tool": way(invoke, (scene) => ({
      after: answering(scene),
    })),
    "retries outside": way(invoke, () => ({ before: retrying })),
    "retries inside": way(invoke, () => ({ after: retrying })),
    "fallback outside": way(invoke, (scene) => ({
      before: () => [modelFallbackMiddleware(callingModel(scene))],
    })),
    "fallback inside": way(invoke, (scene) => ({
      after: () => [modelFallbackMiddleware(callingModel(scene))],
    })),
    "swallowed outside": way(invoke, () => ({ before: swallowing })),
    "swallowed inside": way(invoke, () => ({ after: swallowing })),
  };
}

const withoutMiddleware = (gates: Gates): Gates => ({ ...gates, middleware: () => [] });

const onlyWhole = (ways: Record<string, Way>): Record<string, Way> =>
  Object.fromEntries(
    Object.entries(ways).map(([entry, way]) => [
      `agent, ${entry}`,
      {
        ...way,
        call: (gates, scene, signal) => way.call(withoutMiddleware(gates), scene, signal),
      },
    ]),
  );

/** An agent whose tool asks another agent, which is handed no config. */
const asking: Way = {
  bodies: ["model 1", "model 1", "search", "model 2", "model 2"],
  call: (gates, scene) => {
    const inner = agentOf(withoutMiddleware(gates), scene);
    const ask = tool(
      async () => {
        const { messages } = await inner.invoke(start, { configurable: { thread_id: "inner" } });
        return messages.at(-1)?.text ?? "";
      },
      { name: "ask", description: "Asks.", schema: z.object({ query: z.string() }) },
    );
    const outer = createAgent({ model: callingModel(scene, "ask"), tools: [ask] });
    return gates.runnable(outer).invoke(start);
  },
};

const itsGraph: Way = {
  bodies: SOLO,
  call: (gates, scene) => {
    const agent = gates.runnable(agentOf(withoutMiddleware(gates), scene));
    return agent.graph.invoke(start, { configurable: { thread_id: "thread" } });
  },
};

export const middlewareWays: Ways = {
  guardMiddleware: agentWays((_gates, agent) => agent),
};

export const wholeAgentWays: Record<string, Way> = {
  ...onlyWhole(agentWays((gates, agent) => gates.runnable(agent))),
  "agent, its graph": itsGraph,
  "agent that asks an agent": asking,
};
