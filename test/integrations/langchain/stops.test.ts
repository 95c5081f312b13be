// oxlint-disable no-underscore-dangle -- LangChain's own names
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { AIMessage, AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { ChatResult } from "@langchain/core/outputs";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { vi } from "vitest";
import { z } from "zod";
import {
  createGuardCallbackHandler,
  guardGraph,
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
  guardTools,
} from "../../../integrations/langchain/index.ts";
import { describeStops } from "../shared/stop-suite.ts";
import type { Play, Stage } from "../shared/stop-suite.ts";
import { callOf } from "./scene-models.ts";
import { drain } from "./scene.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

const start = { messages: [new HumanMessage("go")] };

/** A model whose request, or whose stream, goes on when the stop comes. */
class GoingModel extends FakeListChatModel {
  readonly stage: Stage;
  readonly flight: "call" | "stream";

  constructor(stage: Stage, flight: "call" | "stream") {
    super({ responses: ["done"] });
    this.stage = stage;
    this.flight = flight;
  }

  /** LangChain's own would give another model back. */
  override bindTools(): this {
    return this;
  }

  override async _generate(
    messages: BaseMessage[],
    options?: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    await this.stage.goOn("model", options?.signal);
    return super._generate(messages, options, manager);
  }

  override async *_streamResponseChunks(
    _messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): AsyncGenerator<ChatGenerationChunk> {
    const half = { text: "half", message: new AIMessageChunk("half") };
    if (this.flight === "stream") yield new ChatGenerationChunk(half);
    await this.stage.goOn("model", options.signal);
  }
}

/** A model that calls tools, and is to be called no second time. */
const calling = (stage: Stage, ...names: string[]) =>
  fakeModel()
    .respond(new AIMessage({ content: "", tool_calls: names.map((name) => callOf(name)) }))
    .respond(() => {
      stage.enter("model");
      return new AIMessage("done");
    });

const schema = z.object({ query: z.string() });

const toolThat = (stage: Stage, name: string) =>
  tool(
    async (_input: z.infer<typeof schema>, { signal }: RunnableConfig) => {
      await stage.goOn(name, signal);
      return "found";
    },
    { name, description: name, schema },
  );

const tools = (stage: Stage) => [toolThat(stage, "search"), toolThat(stage, "fetch")];

const agentThat = (stage: Stage, ...calls: string[]) =>
  createAgent({
    model: calling(stage, ...calls),
    tools: tools(stage),
    middleware: [guardMiddleware(stage.guard)],
  });

const graphThat = (stage: Stage) =>
  new StateGraph(Annotation.Root({ text: Annotation<string> }))
    .addNode("first", () => ({ text: "first" }))
    .addNode("waits", async (_state, { signal }) => {
      await stage.goOn("waits", signal);
      return { text: "waited" };
    })
    .addNode("last", () => {
      stage.enter("last");
      return {};
    })
    .addEdge(START, "first")
    .addEdge("first", "waits")
    .addEdge("waits", "last")
    .compile();

const MODEL = { during: ["model"], names: ["model"] };
const SEARCH = { during: ["search"], names: ["tool search"] };
const BOTH = { during: ["search", "fetch"], names: ["tool search", "tool fetch"] };
const WAITS = { during: ["waits"], names: ["node waits"] };

const chain = (stage: Stage, flight: "call" | "stream") =>
  guardRunnable(
    stage.guard,
    RunnableLambda.from((text: string) => text).pipe(new GoingModel(stage, flight)),
  );

const plays: Readonly<Record<string, Play>> = {
  "a model call hangs in a chain": {
    ...MODEL,
    names: ["model GoingModel"],
    run: (stage) => chain(stage, "call").invoke("go"),
  },
  "a model call hangs in a chain, called in a batch": {
    ...MODEL,
    names: ["model GoingModel"],
    run: (stage) => chain(stage, "call").batch(["go"]),
  },
  "a chain streams": {
    ...MODEL,
    names: ["run RunnableSequence"],
    run: async (stage) => drain(await chain(stage, "stream").stream("go")),
  },
  "a chain streams its events": {
    ...MODEL,
    names: ["model GoingModel"],
    run: (stage) => drain(chain(stage, "stream").streamEvents("go", { version: "v2" })),
  },
  "a guarded model alone hangs": {
    ...MODEL,
    names: ["model FakeListChatModel"],
    run: (stage) => guardModel(stage.guard, new GoingModel(stage, "call")).invoke("go"),
  },
  "a guarded model alone streams": {
    ...MODEL,
    names: ["model FakeListChatModel"],
    run: async (stage) =>
      drain(await guardModel(stage.guard, new GoingModel(stage, "stream")).stream("go")),
  },
  "a guarded model alone streams in its own way": {
    ...MODEL,
    names: ["model FakeListChatModel"],
    run: async (stage) =>
      drain(guardModel(stage.guard, new GoingModel(stage, "stream")).streamEvents("go")),
  },
  "a guarded tool alone runs": {
    ...SEARCH,
    run: (stage) => guardTool(stage.guard, toolThat(stage, "search")).invoke({ query: "x" }),
  },
  "a tool runs in an agent with the middleware": {
    ...SEARCH,
    run: (stage) => agentThat(stage, "search").invoke(start),
  },
  "two tools run in an agent with the middleware": {
    ...BOTH,
    run: (stage) => agentThat(stage, "search", "fetch").invoke(start),
  },
  "a tool runs in a guarded agent": {
    ...SEARCH,
    run: (stage) => guardRunnable(stage.guard, agentThat(stage, "search")).invoke(start),
  },
  "a tool runs in a guarded agent that streams": {
    ...SEARCH,
    run: async (stage) =>
      drain(await guardRunnable(stage.guard, agentThat(stage, "search")).stream(start)),
  },
  "a tool runs in a guarded agent without the middleware": {
    ...SEARCH,
    run: (stage) =>
      guardRunnable(
        stage.guard,
        createAgent({ model: calling(stage, "search"), tools: tools(stage) }),
      ).invoke(start),
  },
  "two tools run in a ToolNode of a guarded graph": {
    ...BOTH,
    run: (stage) => {
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("tools", new ToolNode(guardTools(stage.guard, tools(stage))))
        .addEdge(START, "tools")
        .compile();
      const tool_calls = [callOf("search"), callOf("fetch")];
      const called = new AIMessage({ content: "", tool_calls });
      return guardGraph(stage.guard, graph).invoke({ messages: [called] });
    },
  },
  "a model call hangs in an agent": {
    ...MODEL,
    names: ["model FakeListChatModel"],
    run: (stage) =>
      createAgent({
        model: new GoingModel(stage, "call"),
        tools: [],
        middleware: [guardMiddleware(stage.guard)],
      }).invoke(start),
  },
  "a node runs in a guarded graph": {
    ...WAITS,
    run: (stage) => guardGraph(stage.guard, graphThat(stage)).invoke({ text: "go" }),
  },
  "a node runs in a guarded graph that streams": {
    ...WAITS,
    run: async (stage) =>
      drain(await guardGraph(stage.guard, graphThat(stage)).stream({ text: "go" })),
  },
  "a node runs in a guarded graph that streams its events": {
    ...WAITS,
    run: async (stage) => {
      const graph = guardGraph(stage.guard, graphThat(stage));
      return drain(await graph.streamEvents({ text: "go" }, { version: "v3" }));
    },
  },
  "a guarded node runs": {
    ...WAITS,
    run: (stage) => {
      const waits = guardNode(stage.guard, async (_state: object, config: RunnableConfig) => {
        await stage.goOn("waits", config.signal);
        return {};
      });
      const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
        .addNode("waits", waits)
        .addEdge(START, "waits")
        .compile();
      return graph.invoke({ text: "go" });
    },
  },
  "a tool runs that a handler watches": {
    ...SEARCH,
    // A handler sees no signal and gives none.
    unsignalled: true,
    run: (stage) =>
      guardRunnable(stage.guard, toolThat(stage, "search")).invoke(
        { query: "x" },
        { callbacks: [createGuardCallbackHandler(stage.guard)] },
      ),
  },
  "nothing runs between two steps": {
    during: [],
    run: (stage) => {
      const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
        .addNode("first", () => {
          stage.stop();
          return { text: "first" };
        })
        .addNode("last", () => {
          stage.enter("last");
          return {};
        })
        .addEdge(START, "first")
        .addEdge("first", "last")
        .compile();
      return guardGraph(stage.guard, graph).invoke({ text: "go" });
    },
  },
};

describeStops(plays);
