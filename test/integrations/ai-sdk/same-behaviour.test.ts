import { describe, expect, test } from "vitest";
import { guardAgent, guardCall } from "../../../integrations/ai-sdk/index.ts";
import { createGuard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import { tools } from "./sample-calls.ts";
import { fakeEmbeddingModel, fakeImageModel, fakeLanguageModel } from "./fake-models.ts";
import type { Turn } from "./fake-models.ts";
import { sdks } from "./versions.ts";
import type { Call, CallOptions, Sdk } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

/** Differs from call to call by nature: identifiers and times. */
const VOLATILE = /^(?:id|callId|messageId|timestamp|performance|.*Ms|abortSignal)$/;

function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (VOLATILE.test(key)) return undefined;
    return inner instanceof Error ? `${inner.name}: ${inner.message}` : inner;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

async function parts(stream: unknown): Promise<unknown> {
  const all: unknown[] = [];
  for await (const part of stream as AsyncIterable<unknown>) all.push(part);
  return plain(all);
}

type Result = Record<string, unknown>;
type Gate = { readonly call: (call: Call) => Call; readonly agent: <A extends object>(a: A) => A };

interface Sample {
  readonly name: string;
  readonly play: (sdk: Sdk, gate: Gate) => Promise<unknown>;
}

/** One call at a time: the parts of tools that run at the same time come in no certain order. */
const SCRIPT: readonly Turn[] = [
  ...["a", "generator", "fails", "dynamic"].map((name) => ({ calls: [name] })),
  { text: "done" },
];
const toolFailure = new Error("the tool's own failure");
const enter = (): void => undefined;

function options(sdk: Sdk, script: readonly Turn[] = SCRIPT): CallOptions {
  const world = { sdk, enter, guard: undefined as never, variant: "plain" } as const;
  const fails = {
    inputSchema: sdk.anyInput,
    execute: () => {
      throw toolFailure;
    },
  };
  return {
    model: fakeLanguageModel(sdk.version, script, enter),
    tools: { ...tools(world), fails },
    stopWhen: sdk.stopAfter(9),
    prompt: "begin",
  };
}

function objectOptions(sdk: Sdk): CallOptions {
  const { model, prompt } = options(sdk, [{ text: '{"answer":42}' }]);
  return { model, prompt, output: "no-schema" };
}

const streamed =
  (member: string) =>
  async (sdk: Sdk, gate: Gate): Promise<unknown> => {
    const result = gate.call(sdk.streamText)(options(sdk)) as Result;
    const value = result[member];
    if (typeof value !== "function") return parts(value);
    const made: unknown = Reflect.apply(value, result, []);
    return made instanceof Response
      ? [made.status, [...made.headers], (await made.text()).replaceAll(/"id":"[^"]*"/g, "")]
      : parts(made);
  };

const samples: readonly Sample[] = [
  {
    name: "generateText",
    play: async (sdk, gate) => {
      const result = (await gate.call(sdk.generateText)(options(sdk))) as Result;
      return plain([result["text"], result["steps"], result["totalUsage"], result["content"]]);
    },
  },
  {
    name: "parallel tools",
    play: async (sdk, gate) => {
      const script = [{ calls: ["a", "b", "fails", "generator"] }, { text: "done" }];
      return plain(await gate.call(sdk.generateText)(options(sdk, script)));
    },
  },
  {
    name: "what the model is asked",
    play: async (sdk, gate) => {
      const given = options(sdk);
      await gate.call(sdk.generateText)(given);
      return plain(Reflect.get(given["model"] as object, "doGenerateCalls"));
    },
  },
  ...[
    "fullStream",
    "textStream",
    "toUIMessageStream",
    "toUIMessageStreamResponse",
    "toTextStreamResponse",
  ].map((member) => ({ name: `streamText ${member}`, play: streamed(member) })),
  {
    name: "streamText promises",
    play: async (sdk, gate) => {
      const result = gate.call(sdk.streamText)(options(sdk)) as Result;
      return plain([await result["text"], await result["steps"], await result["usage"]]);
    },
  },
  {
    name: "generateObject",
    play: async (sdk, gate) => {
      const result = (await gate.call(sdk.generateObject)(objectOptions(sdk))) as Result;
      return plain([result["object"], result["usage"]]);
    },
  },
  {
    name: "streamObject",
    play: async (sdk, gate) => {
      const result = gate.call(sdk.streamObject)(objectOptions(sdk)) as Result;
      return [await parts(result["partialObjectStream"]), await result["object"]];
    },
  },
  {
    name: "agent",
    play: async (sdk, gate) => {
      const { prompt, ...settings } = options(sdk);
      const agent = gate.agent(new sdk.Agent(settings));
      const generated = (await agent.generate({ prompt })) as Result;
      const other = gate.agent(new sdk.Agent({ ...settings, model: options(sdk)["model"] }));
      const result = (await other.stream({ prompt })) as Result;
      return [plain(generated["steps"]), await parts(result["fullStream"])];
    },
  },
  {
    name: "embedMany",
    play: async (sdk, gate) => {
      const model = fakeEmbeddingModel(sdk.version, enter);
      const result = (await gate.call(sdk.embedMany)({ model, values: ["x", "y"] })) as Result;
      return plain([result["embeddings"], result["usage"]]);
    },
  },
  {
    name: "generateImage",
    play: async (sdk, gate) => {
      const model = fakeImageModel(sdk.version, enter);
      const result = (await gate.call(sdk.generateImage)({ model, prompt: "x" })) as Result;
      return plain(result["images"]);
    },
  },
];

const ungated: Gate = { call: (call) => call, agent: (agent) => agent };

for (const sdk of sdks) {
  describe.concurrent(`ai ${sdk.version} behaves without a refusal as it does without a guard`, () => {
    test.each(samples)("$name", async ({ play }) => {
      await using authority = await startScriptedAuthority();
      const guard = createGuard(authority.client(), { deviceId: "agent-01" });
      const gated: Gate = {
        call: (call) => guardCall(guard, call),
        agent: (agent) => guardAgent(guard, agent),
      };
      const expected = await play(sdk, ungated);
      expect(expected).toBeDefined();
      expect(await play(sdk, gated)).toEqual(expected);
      expect(authority.validations).toBeGreaterThan(0);
    });
  });
}

test.each(sdks)("ai $version: a tool's own error reaches the caller untouched", async (sdk) => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "agent-01" });
  const result = guardCall(guard, sdk.streamText)(options(sdk)) as Result;
  const errors: unknown[] = [];
  for await (const part of result["fullStream"] as AsyncIterable<Result>) {
    if (part["type"] === "tool-error") errors.push(part["error"]);
  }
  expect(errors).toEqual([toolFailure]);
  expect(errors[0]).toBe(toolFailure);
});
