import { describe } from "vitest";
import {
  guardAgent,
  guardCall,
  guardMiddleware,
  guardModel,
  guardTools,
} from "../../../integrations/ai-sdk/index.ts";
import { describeStops } from "../shared/stop-suite.ts";
import type { Play, Stage } from "../shared/stop-suite.ts";
import { hangingModel } from "./fake-models.ts";
import type { Flight } from "./fake-models.ts";
import { sdks } from "./versions.ts";
import type { CallOptions, Sdk } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

type Given = { readonly abortSignal?: AbortSignal };

const model = ({ version }: Sdk, stage: Stage, flight: Flight): object =>
  hangingModel(version, flight, stage);

const CALLING: Flight = { calls: ["search"] };
const BOTH: Flight = { calls: ["search", "fetch"] };

function options(sdk: Sdk, stage: Stage, flight: Flight): CallOptions {
  const { anyInput: inputSchema } = sdk;
  const named = (name: string) => ({
    description: name,
    inputSchema,
    execute: (_input: unknown, { abortSignal }: Given) => stage.goOn(name, abortSignal),
  });
  return {
    model: model(sdk, stage, flight),
    tools: {
      search: named("search"),
      fetch: named("fetch"),
      steps: {
        description: "steps",
        inputSchema,
        async *execute(_input: unknown, { abortSignal }: Given) {
          yield "first";
          await stage.goOn("steps", abortSignal);
          yield "second";
        },
      },
    },
    stopWhen: sdk.stopAfter(5),
    prompt: "begin",
    onError: () => undefined,
  };
}

async function read(parts: unknown): Promise<void> {
  for await (const part of parts as AsyncIterable<unknown>) {
    const { type, error }: { type?: string; error?: unknown } = Object(part);
    if (type === "error" || type === "tool-error") throw error;
  }
}

type Result = Record<string, unknown>;

const MODEL = ["model model"];
const SEARCH = ["tool search"];

/** A call of either kind, wired with guardCall. */
const called =
  (flight: Flight, during: readonly string[], names: readonly string[]) => (sdk: Sdk) => ({
    "in generateText": {
      during,
      names,
      run: (stage: Stage) =>
        Promise.resolve(guardCall(stage.guard, sdk.generateText)(options(sdk, stage, flight))),
    },
    ...Object.fromEntries(
      ["fullStream", "textStream"].map((stream) => [
        `in streamText, read by ${stream}`,
        {
          during,
          names,
          run: (stage: Stage) => {
            const result = guardCall(stage.guard, sdk.streamText)(options(sdk, stage, flight));
            return read((result as Result)[stream]);
          },
        },
      ]),
    ),
    "in streamText, read by its text": {
      during,
      names,
      run: async (stage: Stage) => {
        const result = guardCall(
          stage.guard,
          sdk.streamText,
        )(options(sdk, stage, flight)) as Result;
        void read(result["fullStream"]).catch(() => undefined);
        return result["text"];
      },
    },
  });

const titled = (title: string, plays: Readonly<Record<string, Play>>) =>
  Object.fromEntries(Object.entries(plays).map(([name, play]) => [`${title}, ${name}`, play]));

const plays = (sdk: Sdk): Readonly<Record<string, Play>> => ({
  ...titled("a model call hangs", called("call", ["model"], MODEL)(sdk)),
  ...titled("a model's stream is half way", {
    ...called("stream", ["model"], MODEL)(sdk),
    "in generateText": called("call", ["model"], MODEL)(sdk)["in generateText"],
  }),
  ...titled("a tool runs", called(CALLING, ["search"], SEARCH)(sdk)),
  ...titled("two tools run", called(BOTH, ["search", "fetch"], ["tool search", "tool fetch"])(sdk)),
  ...titled(
    "a tool is between its parts",
    called({ calls: ["steps"] }, ["steps"], ["tool steps"])(sdk),
  ),
  "nothing runs between two steps": {
    during: [],
    run: async (stage) => {
      const base = options(sdk, stage, { calls: ["none"] });
      const none = { inputSchema: sdk.anyInput, description: "none", execute: async () => "done" };
      const call = guardCall(stage.guard, sdk.generateText);
      return call({
        ...base,
        tools: { none },
        prepareStep: ({ stepNumber }: { stepNumber: number }) => {
          if (stepNumber === 1) stage.stop();
          return undefined;
        },
      });
    },
  },
  "an agent's tool runs": {
    during: ["search"],
    names: SEARCH,
    run: async (stage) => {
      const { prompt, ...settings } = options(sdk, stage, CALLING);
      return guardAgent(stage.guard, new sdk.Agent(settings)).generate({ prompt });
    },
  },
  "an agent's model streams": {
    during: ["model"],
    names: MODEL,
    run: async (stage) => {
      const { prompt, ...settings } = options(sdk, stage, "stream");
      const agent = guardAgent(stage.guard, new sdk.Agent(settings));
      return read(((await agent.stream({ prompt })) as Result)["fullStream"]);
    },
  },
  "a model that is guarded alone hangs": {
    during: ["model"],
    names: MODEL,
    run: async (stage) => {
      const guarded = guardModel(stage.guard, model(sdk, stage, "call"));
      return sdk.generateText({ model: guarded, prompt: "begin", maxRetries: 0 });
    },
  },
  "a model that is guarded alone streams": {
    during: ["model"],
    names: MODEL,
    run: async (stage) => {
      const guarded = guardModel(stage.guard, model(sdk, stage, "stream"));
      const result = sdk.streamText({ model: guarded, prompt: "begin", onError: () => undefined });
      return read((result as Result)["fullStream"]);
    },
  },
  "a model behind the middleware streams": {
    during: ["model"],
    names: MODEL,
    run: async (stage) => {
      const middleware = guardMiddleware(stage.guard);
      const wrapped = sdk.wrapLanguageModel({ model: model(sdk, stage, "stream"), middleware });
      const result = sdk.streamText({ model: wrapped, prompt: "begin", onError: () => undefined });
      return read((result as Result)["fullStream"]);
    },
  },
  "a tool that is guarded alone runs": {
    during: ["search"],
    names: SEARCH,
    run: async (stage) => {
      // Its model is not guarded, and is called again.
      const base: CallOptions = { ...options(sdk, stage, CALLING), stopWhen: sdk.stopAfter(1) };
      const { tools, ...others } = base;
      const guarded = guardTools(stage.guard, tools as Record<string, object>);
      const result = sdk.streamText({ ...others, tools: guarded });
      return read((result as Result)["fullStream"]);
    },
  },
});

describe.each(sdks)("ai $version", (sdk) => {
  describeStops(plays(sdk));
});
