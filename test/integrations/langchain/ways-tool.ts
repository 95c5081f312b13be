import { ToolNode } from "@langchain/langgraph/prebuilt";
import { HumanMessage, AIMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import { DynamicStructuredTool, DynamicTool, StructuredTool, tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { z } from "zod";
import type { Way, Ways } from "./gates.ts";
import { callingModel, callOf, ClassTool, sceneTool } from "./scene-models.ts";
import type { SceneTool } from "./scene-models.ts";
import { drain } from "./scene.ts";
import type { Scene } from "./scene.ts";

type Use = (guarded: SceneTool, config: RunnableConfig) => Promise<unknown>;

function way(use: Use): Way {
  return {
    bodies: ["search"],
    call: (gates, scene, signal) =>
      use(gates.tool(sceneTool(scene, "search")), signal === undefined ? {} : { signal }),
  };
}

const input = { query: "cats" };

const generatorTool = (scene: Scene) =>
  tool(
    async function* search({ query }: { query: string }) {
      await scene.enter("search");
      yield "looking";
      return `found ${query}`;
    },
    { name: "search", description: "Looks.", schema: z.object({ query: z.string() }) },
  );

class SearchTool extends StructuredTool {
  override name = "search";
  override description = "Looks.";
  override schema = z.object({ query: z.string() });
  readonly scene: Scene;

  constructor({ scene }: { scene: Scene }) {
    super({ scene } as object);
    this.scene = scene;
  }

  protected override async _call({ query }: { query: string }): Promise<string> {
    await this.scene.enter("search");
    return `found ${query}`;
  }
}

const cloneOf = <T extends object>(value: T): T =>
  Object.assign(Object.create(Object.getPrototypeOf(value)), value);

function callingTool(scene: Scene, inner: SceneTool): SceneTool {
  return tool(
    async ({ query }: { query: string }, config: RunnableConfig) => {
      await scene.enter("outer");
      return String(await inner.invoke({ query }, config));
    },
    { name: "outer", description: "Calls.", schema: z.object({ query: z.string() }) },
  );
}

export const toolWays: Ways = {
  guardTool: {
    invoke: way((guarded, config) => guarded.invoke(input, config)),
    "invoke with a tool call": way((guarded, config) => guarded.invoke(callOf("search"), config)),
    call: way((guarded, config) => guarded.call(input, config)),
    func: way(async (guarded, config) => guarded.func(input, undefined, config)),
    _call: way(async (guarded, config) =>
      Reflect.get(guarded, "_call").call(guarded, input, undefined, config),
    ),
    batch: way((guarded, config) => guarded.batch([input], config)),
    stream: way((guarded, config) => drain(guarded.stream(input, config))),
    "streamEvents v2": way((guarded, config) =>
      drain(guarded.streamEvents(input, { ...config, version: "v2" })),
    ),
    "withConfig, invoke": way((guarded, config) =>
      guarded.withConfig({ tags: ["t"] }).invoke(input, config),
    ),
    "withRetry, invoke": way((guarded, config) =>
      guarded.withRetry({ stopAfterAttempt: 2 }).invoke(input, config),
    ),
    "pipe, invoke": way((guarded, config) =>
      guarded.pipe(RunnableLambda.from((found: unknown) => found)).invoke(input, config),
    ),
    "a copy made from its fields": {
      bodies: ["search"],
      call: (gates, scene) => {
        const { lc_kwargs: fields } = gates.tool(sceneTool(scene, "search"));
        return Reflect.construct(DynamicStructuredTool, [fields]).invoke(input);
      },
    },
    "a clone made with its prototype": {
      bodies: ["search"],
      call: (gates, scene, signal) =>
        cloneOf(gates.tool(new SearchTool({ scene }))).invoke(
          input,
          signal === undefined ? {} : { signal },
        ),
    },
    "another object made with its constructor": {
      bodies: ["search"],
      call: (gates, scene) => {
        const { constructor, lc_kwargs: fields } = gates.tool(new SearchTool({ scene }));
        return Reflect.construct(constructor, [fields]).invoke(input);
      },
    },
    "a class with private members": {
      bodies: ["search"],
      call: (gates, scene, signal) =>
        gates.tool(new ClassTool(scene)).invoke(input, signal === undefined ? {} : { signal }),
    },
    "a tool that takes text": {
      bodies: ["search"],
      call: (gates, scene) =>
        gates
          .tool(
            new DynamicTool({
              name: "search",
              description: "Looks.",
              func: async (text) => {
                await scene.enter("search");
                return text;
              },
            }),
          )
          .invoke("cats"),
    },
    "a tool that is a generator": {
      bodies: ["search"],
      call: (gates, scene) => gates.tool(generatorTool(scene)).invoke(input),
    },
    "a runnable as a tool": {
      bodies: ["search"],
      call: (gates, scene) =>
        gates
          .tool(
            RunnableLambda.from(async (query: string) => {
              await scene.enter("search");
              return query;
            }).asTool({ name: "search", schema: z.string() }),
          )
          .invoke("cats"),
    },
    "a tool that calls a tool": {
      bodies: ["outer", "search"],
      call: (gates, scene) =>
        gates.tool(callingTool(scene, gates.tool(sceneTool(scene, "search")))).invoke(input),
    },
    "onDeny refuse": {
      bodies: ["search"],
      call: (gates, scene) =>
        gates.tool(sceneTool(scene, "search"), { onDeny: "refuse" }).invoke(callOf("search")),
    },
    "ToolNode of LangGraph": {
      bodies: ["search"],
      call: (gates, scene) =>
        new ToolNode([gates.tool(sceneTool(scene, "search"))]).invoke({
          messages: [new AIMessage({ content: "", tool_calls: [callOf("search")] })],
        }),
    },
    "createAgent, parallel calls": {
      bodies: ["search", "fetch"],
      isParallel: true,
      call: async (gates, scene) => {
        const tools = [sceneTool(scene, "search"), sceneTool(scene, "fetch")];
        const quiet = { ...scene, enter: async () => undefined };
        const agent = createAgent({
          model: callingModel(quiet, "search", "fetch"),
          tools: tools.map((each) => gates.tool(each)),
        });
        return agent.invoke({ messages: [new HumanMessage({ content: "go", id: "go" })] });
      },
    },
  },
};
