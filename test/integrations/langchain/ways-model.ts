// oxlint-disable no-underscore-dangle -- LangChain's own names
import { InMemoryCache } from "@langchain/core/caches";
import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import type { FakeBuiltModel } from "@langchain/core/testing";
import { createAgent } from "langchain";
import { ConfigurableModel } from "langchain/chat_models/universal";
import type { Way, Ways } from "./gates.ts";
import {
  callingModel,
  SceneChatModel,
  SceneLLM,
  SceneStreamingLLM,
  sceneTool,
} from "./scene-models.ts";
import { drain } from "./scene.ts";

type Use = (guarded: SceneChatModel, config: RunnableConfig) => Promise<unknown>;

function way(use: Use, responses?: string[]): Way {
  return {
    bodies: ["model"],
    call: (gates, scene, signal) =>
      use(
        gates.model(new SceneChatModel(scene, responses)),
        signal === undefined ? {} : { signal },
      ),
  };
}

const prompt = [new HumanMessage("hi")];
const words = RunnableLambda.from((message: { content: unknown }) => message.content);

type AgentModel = Exclude<Parameters<typeof createAgent>[0]["model"], string>;

/** An agent with a guarded model and tools that do not count. */
function agentWay(bind: (model: FakeBuiltModel) => AgentModel): Way {
  return {
    bodies: ["model 1", "model 2"],
    call: (gates, scene, signal) => {
      const quiet = { ...scene, enter: async () => undefined };
      const model = bind(gates.model(callingModel(scene, "search")));
      const agent = createAgent({ model, tools: [sceneTool(quiet, "search")] });
      const go = new HumanMessage({ content: "go", id: "go" });
      return agent.invoke({ messages: [go] }, signal === undefined ? {} : { signal });
    },
  };
}

/** The ways into what `initChatModel` gives, which loads the provider's model when it is called. */
const configurableUses: Readonly<
  Record<string, (model: ConfigurableModel, config: RunnableConfig) => Promise<unknown>>
> = {
  invoke: (guarded, config) => guarded.invoke("hi", config),
  stream: async (guarded, config) => drain(await guarded.stream("hi", config)),
  batch: (guarded, config) => guarded.batch(["hi"], config),
  "streamEvents v2": (guarded, config) =>
    drain(guarded.streamEvents("hi", { ...config, version: "v2" })),
  "streamEvents, its default": (guarded, config) => drain(guarded.streamEvents("hi", config)),
  _generate: (guarded, config) => guarded._generate(prompt, config),
  "the provider's model": async (guarded, config) =>
    (await guarded._getModelInstance()).invoke("hi", config),
};

function configurableWay(
  use: (model: ConfigurableModel, config: RunnableConfig) => Promise<unknown>,
): Way {
  return {
    bodies: ["model"],
    call: async (gates, scene, signal) => {
      const model = new ConfigurableModel({ defaultConfig: {}, configurableFields: ["model"] });
      // In place of a provider's package, which would be loaded here.
      model._getModelInstance = async () => new SceneChatModel(scene);
      return use(gates.model(model), signal === undefined ? {} : { signal });
    },
  };
}

export const modelWays: Ways = {
  guardModel: {
    invoke: way((guarded, config) => guarded.invoke("hi", config)),
    stream: way((guarded, config) => drain(guarded.stream("hi", config))),
    batch: way((guarded, config) => guarded.batch(["hi"], config)),
    generate: way((guarded, config) => guarded.generate([prompt], config)),
    "streamEvents v1": way((guarded, config) =>
      drain(guarded.streamEvents("hi", { ...config, version: "v1" })),
    ),
    "streamEvents v2": way((guarded, config) =>
      drain(guarded.streamEvents("hi", { ...config, version: "v2" })),
    ),
    "streamEvents, its default": way((guarded, config) =>
      drain(guarded.streamEvents("hi", config)),
    ),
    "streamEvents, its default, awaited": way(
      async (guarded, config) => (await guarded.streamEvents("hi", config)).content,
    ),
    streamV2: way((guarded, config) => drain(guarded.streamV2("hi", config))),
    streamLog: way((guarded, config) => drain(guarded.streamLog("hi", config))),
    _generate: way((guarded, config) => guarded._generate(prompt, config)),
    _streamResponseChunks: way((guarded, config) =>
      drain(guarded._streamResponseChunks(prompt, config)),
    ),
    _streamChatModelEvents: way((guarded, config) =>
      drain(guarded._streamChatModelEvents(prompt, config)),
    ),
    "bindTools, invoke": {
      bodies: ["model 1"],
      call: (gates, scene) =>
        gates
          .model(callingModel(scene))
          .bindTools([sceneTool(scene, "search")])
          .invoke("hi"),
    },
    "withStructuredOutput, invoke": way(
      (guarded, config) => guarded.withStructuredOutput({}).invoke("hi", config),
      ['{"sure":true}'],
    ),
    "withConfig, stream": way((guarded, config) =>
      drain(guarded.withConfig({ tags: ["t"] }).stream("hi", config)),
    ),
    "withRetry, invoke": way((guarded, config) =>
      guarded.withRetry({ stopAfterAttempt: 2 }).invoke("hi", config),
    ),
    "withFallbacks to another guarded model, invoke": {
      bodies: ["model"],
      call: (gates, scene) =>
        gates
          .model(new SceneChatModel(scene))
          .withFallbacks([gates.model(new SceneChatModel(scene))])
          .invoke("hi"),
    },
    "pipe, stream": way((guarded, config) => drain(guarded.pipe(words).stream("hi", config))),
    "createAgent with it": agentWay((model) => model),
    "createAgent with a binding of it": agentWay((model) => model.withConfig({ tags: ["t"] })),
    "an LLM, invoke": {
      bodies: ["model"],
      call: (gates, scene) => gates.model(new SceneLLM(scene)).invoke("hi"),
    },
    "an LLM, stream": {
      bodies: ["model"],
      call: (gates, scene) => drain(gates.model(new SceneStreamingLLM(scene)).stream("hi")),
    },
    ...Object.fromEntries(
      Object.entries(configurableUses).map(([entry, use]) => [
        `initChatModel, ${entry}`,
        configurableWay(use),
      ]),
    ),
    "another object made with its constructor": way((guarded, config) =>
      Reflect.construct(guarded.constructor, [guarded.scene]).invoke("hi", config),
    ),
    "a clone made with its prototype": way((guarded, config) => {
      const clone = Object.create(Object.getPrototypeOf(guarded) as object) as SceneChatModel;
      return Object.assign(clone, guarded).invoke("hi", config);
    }),
    "a cache hit": {
      bodies: [],
      call: async (gates, scene) => {
        const cache = new InMemoryCache();
        const model = new SceneChatModel({ ...scene, enter: async () => undefined });
        model.cache = cache;
        await model.invoke("hi");
        return (await gates.model(model).invoke("hi")).content;
      },
    },
  },
};
