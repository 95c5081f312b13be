import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  END,
  entrypoint,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  task,
} from "@langchain/langgraph";
import { createReactAgent, ToolNode } from "@langchain/langgraph/prebuilt";
import type { Gates, Way, Ways } from "./gates.ts";
import { callingModel, callOf, sceneTool } from "./scene-models.ts";
import { drain } from "./scene.ts";
import type { Scene } from "./scene.ts";

const State = Annotation.Root({
  done: Annotation<string[]>({ reducer: (before, now) => before.concat(now), default: () => [] }),
});
type Done = { done: string[] };

const start: Done = { done: [] };
const retryPolicy = { maxAttempts: 2, initialInterval: 1, jitter: false, logWarning: false };

/** A node that tells the scene when it begins. */
function node(gates: Gates, scene: Scene, name: string, rest: () => unknown = () => undefined) {
  return gates.node(async (_state: Done, _config?: RunnableConfig): Promise<Done> => {
    await scene.enter(name);
    rest();
    return { done: [name] };
  });
}

const two = (gates: Gates, scene: Scene, rest?: () => unknown) =>
  new StateGraph(State)
    .addNode("first", node(gates, scene, "first"))
    .addNode("second", node(gates, scene, "second", rest), { retryPolicy })
    .addEdge(START, "first")
    .addEdge("first", "second")
    .addEdge("second", END)
    .compile({ checkpointer: new MemorySaver() });

const sending = (gates: Gates, scene: Scene) =>
  new StateGraph(State)
    .addNode("first", node(gates, scene, "first"))
    .addNode("second", node(gates, scene, "second"))
    .addEdge(START, "first")
    .addConditionalEdges("first", () => [new Send("second", start), new Send("second", start)])
    .compile();

const commanding = (gates: Gates, scene: Scene) =>
  new StateGraph(State)
    .addNode(
      "first",
      gates.node(async (_state: Done) => {
        await scene.enter("first");
        return new Command({ goto: "second", update: { done: ["first"] } });
      }),
      { ends: ["second"] },
    )
    .addNode("second", node(gates, scene, "second"))
    .addEdge(START, "first")
    .compile();

const nested = (gates: Gates, scene: Scene) =>
  new StateGraph(State)
    .addNode("sub", gates.nodeRunnable(two(gates, scene)))
    .addNode("third", node(gates, scene, "third"))
    .addEdge(START, "sub")
    .addEdge("sub", "third")
    .compile();

const tools = (gates: Gates, scene: Scene) =>
  new StateGraph(MessagesAnnotation)
    .addNode("tools", gates.nodeRunnable(new ToolNode([sceneTool(scene, "search")])))
    .addNode(
      "second",
      gates.node(async () => {
        await scene.enter("second");
        return {};
      }),
    )
    .addEdge(START, "tools")
    .addEdge("tools", "second")
    .compile();

const called = {
  messages: [
    new HumanMessage({ content: "go", id: "go" }),
    new AIMessage({ content: "", id: "call", tool_calls: [callOf("search")] }),
  ],
};

type Part = (gates: Gates, scene: Scene, config: RunnableConfig) => Promise<unknown>;

function way(bodies: readonly string[], part: Part): Way {
  return {
    bodies,
    call: (gates, scene, signal) =>
      part(gates, scene, {
        configurable: { thread_id: "thread" },
        ...(signal === undefined ? {} : { signal }),
      }),
  };
}

const TWO = ["first", "second"];
const RESUMED = ["first", "second", "second"];

/** The ways into a graph; `whole` gates it as such. */
function graphWays(
  whole: <G extends { invoke(input: never, config?: RunnableConfig): Promise<unknown> }>(
    gates: Gates,
    graph: G,
  ) => G,
): Record<string, Way> {
  return {
    invoke: way(TWO, (gates, scene, config) =>
      whole(gates, two(gates, scene)).invoke(start, config),
    ),
    stream: way(TWO, async (gates, scene, config) =>
      drain(await whole(gates, two(gates, scene)).stream(start, config)),
    ),
    "streamEvents v2": way(TWO, (gates, scene, config) =>
      drain(whole(gates, two(gates, scene)).streamEvents(start, { ...config, version: "v2" })),
    ),
    "streamEvents v3, its output": way(TWO, async (gates, scene, config) => {
      const graph = whole(gates, two(gates, scene));
      return (await graph.streamEvents(start, { ...config, version: "v3" })).output;
    }),
    "resume after an interrupt": way(RESUMED, async (gates, scene, config) => {
      const graph = whole(
        gates,
        two(gates, scene, () => interrupt("go on?")),
      );
      await graph.invoke(start, config);
      return graph.invoke(new Command({ resume: "yes" }), config);
    }),
    Send: {
      ...way(["first", "second", "second"], (gates, scene, config) =>
        whole(gates, sending(gates, scene)).invoke(start, config),
      ),
      isParallel: true,
    },
    Command: way(TWO, (gates, scene, config) =>
      whole(gates, commanding(gates, scene)).invoke(start, config),
    ),
    subgraph: way(["first", "second", "third"], (gates, scene, config) =>
      whole(gates, nested(gates, scene)).invoke(start, config),
    ),
    "ToolNode that swallows": way(["search", "second"], (gates, scene, config) =>
      whole(gates, tools(gates, scene)).invoke(called, config),
    ),
  };
}

const onlyWhole = (gates: Gates): Gates => ({
  ...gates,
  node: (each) => each,
  nodeRunnable: (each) => each,
});

const functional: Way = way(TWO, (gates, scene, config) => {
  const first = task("first", async () => scene.enter("first"));
  const second = task("second", async () => scene.enter("second"));
  const flow = entrypoint("flow", async (_input: Done) => {
    await first();
    await second();
    return "done";
  });
  return gates.graph(flow).invoke(start, config);
});

const prebuilt: Way = way(["model 1", "search", "model 2"], (gates, scene, config) =>
  gates
    .graph(
      createReactAgent({
        llm: callingModel(scene, "search"),
        tools: [sceneTool(scene, "search")],
      }),
    )
    .invoke({ messages: called.messages.slice(0, 1) }, config),
);

const handled: Way = way(["first", "second"], (gates, scene, config) => {
  const graph = new StateGraph(State)
    .addNode("first", async () => {
      await scene.enter("first");
      return { done: ["first"] };
    })
    .addNode(
      "second",
      async () => {
        await scene.enter("second");
        return { done: ["second"] };
      },
      {
        errorHandler: async () => {
          await scene.enter("error handler");
          return { done: ["handled"] };
        },
      },
    )
    .addEdge(START, "first")
    .addEdge("first", "second")
    .compile();
  return gates.graph(graph).invoke(start, config);
});

const whole = Object.entries(graphWays((gates, graph) => gates.graph(graph)));

export const graphWaysByDoor: Ways = {
  guardNode: graphWays((_gates, graph) => graph),
  guardGraph: {
    ...Object.fromEntries(
      whole.map(([entry, each]): [string, Way] => [
        entry,
        { ...each, call: (gates, scene, signal) => each.call(onlyWhole(gates), scene, signal) },
      ]),
    ),
    "its builder, compiled anew": way(TWO, (gates, scene, config) =>
      gates
        .graph(two(onlyWhole(gates), scene))
        .builder.compile()
        .invoke(start, config),
    ),
    "its builder, compiled anew after a node was added": way(TWO, (gates, scene, config) => {
      const { builder } = gates.graph(two(onlyWhole(gates), scene));
      const longer = builder.addNode("third", async () => ({ done: ["third"] }));
      return longer.addEdge("second", "third").compile().invoke(start, config);
    }),
    "a node in its builder": way(["first"], (gates, scene, config) => {
      const { first } = gates.graph(two(onlyWhole(gates), scene)).builder.nodes;
      return first.runnable.invoke(start, config);
    }),
    "a node's error handler": handled,
    "functional API": functional,
    createReactAgent: prebuilt,
  },
};
