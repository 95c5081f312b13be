import { InMemoryCache } from "@langchain/core/caches";
import { CallbackManager } from "@langchain/core/callbacks/manager";
import { Document } from "@langchain/core/documents";
import { HumanMessage } from "@langchain/core/messages";
import { BaseRetriever } from "@langchain/core/retrievers";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import type { Way, Ways } from "./gates.ts";
import { SceneChatModel, SceneLLM, sceneTool } from "./scene-models.ts";
import { drain } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** No signal reaches a handler, so these ways take none. */
function way(
  bodies: readonly string[],
  use: (scene: Scene, config: RunnableConfig) => Promise<unknown>,
): Way {
  return { bodies, call: (gates, scene) => use(scene, { callbacks: gates.handlers() }) };
}

function step(scene: Scene, name: string): RunnableLambda<string, string> {
  return RunnableLambda.from(async (text: string) => {
    await scene.enter(name);
    return text;
  });
}

const chain = (scene: Scene) => step(scene, "first").pipe(step(scene, "second"));
const model = (scene: Scene) => new SceneChatModel(scene);

class SceneRetriever extends BaseRetriever {
  lc_namespace = ["test"];
  readonly scene: Scene;

  constructor(scene: Scene) {
    super();
    this.scene = scene;
  }

  override async _getRelevantDocuments(query: string): Promise<Document[]> {
    await this.scene.enter("retriever");
    return [new Document({ pageContent: query })];
  }
}

export const handlerWays: Ways = {
  createGuardCallbackHandler: {
    "chain, invoke": way(["first", "second"], (scene, config) => chain(scene).invoke("in", config)),
    "chain, stream": way(["first", "second"], (scene, config) =>
      drain(chain(scene).stream("in", config)),
    ),
    "chain, batch": way(["first", "second"], (scene, config) => chain(scene).batch(["in"], config)),
    "chain, streamEvents v2": way(["first", "second"], (scene, config) =>
      drain(chain(scene).streamEvents("in", { ...config, version: "v2" })),
    ),
    "chain, streamLog": way(["first", "second"], (scene, config) =>
      drain(chain(scene).streamLog("in", config)),
    ),
    "chain, retried": way(["first", "second"], (scene, config) =>
      chain(scene).withRetry({ stopAfterAttempt: 2 }).invoke("in", config),
    ),
    "chain with a fallback": way(["first", "second"], (scene, config) =>
      chain(scene)
        .withFallbacks([step(scene, "fallback")])
        .invoke("in", config),
    ),
    "nested call without config": way(["first", "second"], (scene, config) =>
      RunnableLambda.from((text: string) => chain(scene).invoke(text)).invoke("in", config),
    ),
    "swallowed inside": way(["first", "second"], (scene, config) =>
      RunnableLambda.from(async (text: string, inner: RunnableConfig) => {
        await step(scene, "first").invoke(text, inner);
        return step(scene, "second")
          .invoke(text, inner)
          .catch(() => "swallowed");
      }).invoke("in", config),
    ),
    "chat model, invoke": way(["model"], (scene, config) => model(scene).invoke("in", config)),
    "chat model, stream": way(["model"], (scene, config) =>
      drain(model(scene).stream("in", config)),
    ),
    "chat model, batch": way(["model"], (scene, config) => model(scene).batch(["in"], config)),
    "chat model, generate": way(["model"], (scene, config) =>
      model(scene).generate([[new HumanMessage("in")]], config),
    ),
    "chat model, streamEvents v1": way(["model"], (scene, config) =>
      drain(model(scene).streamEvents("in", { ...config, version: "v1" })),
    ),
    "chat model, streamEvents v2": way(["model"], (scene, config) =>
      drain(model(scene).streamEvents("in", { ...config, version: "v2" })),
    ),
    "chat model, a cache hit": way([], async (scene, config) => {
      const cached = new SceneChatModel({ ...scene, enter: async () => undefined });
      cached.cache = new InMemoryCache();
      await cached.invoke("in");
      return (await cached.invoke("in", config)).content;
    }),
    "chat model, streamEvents, its default": way(["model"], (scene, config) =>
      drain(model(scene).streamEvents("in", config)),
    ),
    "LLM, invoke": way(["model"], (scene, config) => new SceneLLM(scene).invoke("in", config)),
    "retriever, invoke": way(["retriever"], (scene, config) =>
      new SceneRetriever(scene).invoke("in", config),
    ),
    "tool, invoke": way(["search"], (scene, config) =>
      sceneTool(scene, "search").invoke({ query: "in" }, config),
    ),
    "tool, func": way(["search"], async (scene, config) =>
      sceneTool(scene, "search").func({ query: "in" }, undefined, config),
    ),
    "agent action": way(["chain", "action"], async (scene, config) => {
      const manager = CallbackManager.configure(config.callbacks);
      const run = await manager?.handleChainStart({ lc: 1, type: "not_implemented", id: [] }, {});
      await scene.enter("chain");
      await run?.handleAgentAction({ tool: "search", toolInput: "in", log: "" });
      await scene.enter("action");
      await run?.handleChainEnd({});
    }),
    "nested call with callbacks: []": way(["search"], (scene, config) =>
      RunnableLambda.from((query: string, inner: RunnableConfig) =>
        sceneTool(scene, "search").invoke({ query }, { ...inner, callbacks: [] }),
      ).invoke("in", { ...config, callbacks: [] }),
    ),
  },
};
