/**
 * Types with the vendor's own types of version 6, without casts: what is wired
 * keeps every type, and what the SDK refuses is still refused. The functions are compiled, not run.
 */
import {
  ToolLoopAgent,
  dynamicTool,
  embed,
  generateObject,
  generateText,
  jsonSchema,
  streamObject,
  streamText,
  tool,
  wrapEmbeddingModel,
  wrapImageModel,
  wrapLanguageModel,
} from "ai6";
import { MockEmbeddingModelV3 as EmbeddingModel, MockLanguageModelV3 as Model } from "ai6/test";
import { expect, expectTypeOf, test } from "vitest";
import {
  guardAgent,
  guardCall,
  guardMiddleware,
  guardModel,
  guardTool,
  guardTools,
} from "../../../integrations/ai-sdk/index.ts";
import type { Guard } from "../../../src/index.ts";

const model = new Model();
const weather = tool({
  inputSchema: jsonSchema<{ city: string }>({ type: "object" }),
  execute: async ({ city }, { abortSignal }) => ({ city, aborted: abortSignal?.aborted }),
});
const counter = tool({
  inputSchema: jsonSchema<{ to: number }>({ type: "object" }),
  async *execute({ to }) {
    yield to;
  },
});
const anything = dynamicTool({
  inputSchema: jsonSchema({ type: "object" }),
  execute: async (input) => {
    expectTypeOf(input).toEqualTypeOf<unknown>();
    return input;
  },
});
const tools = { weather, counter, anything };

async function guardedCalls(guard: Guard): Promise<void> {
  guardCall(guard, generateText) satisfies typeof generateText;
  guardCall(guard, streamText) satisfies typeof streamText;
  guardCall(guard, generateObject) satisfies typeof generateObject;
  guardCall(guard, streamObject) satisfies typeof streamObject;
  guardCall(guard, embed) satisfies typeof embed;

  const generated = await guardCall(
    guard,
    generateText,
  )({
    model,
    tools,
    prompt: "x",
    prepareStep: ({ stepNumber, steps }) => {
      expectTypeOf(stepNumber).toBeNumber();
      expectTypeOf(steps[0]?.toolCalls[0]?.toolCallId).toEqualTypeOf<string | undefined>();
      return stepNumber > 0 ? { activeTools: ["weather"], model } : undefined;
    },
    onStepFinish: ({ toolCalls }) => {
      for (const call of toolCalls) {
        if (call.dynamic !== true && call.toolName === "weather") {
          expectTypeOf(call.input.city).toBeString();
        }
      }
    },
  });
  for (const result of generated.staticToolResults) {
    if (result.toolName === "weather") expectTypeOf(result.output.city).toBeString();
  }

  const streamed = guardCall(
    guard,
    streamText,
  )({
    model,
    tools,
    prompt: "x",
    onChunk: ({ chunk }) => {
      if (chunk.type === "tool-call" && chunk.dynamic !== true && chunk.toolName === "counter") {
        expectTypeOf(chunk.input.to).toBeNumber();
      }
    },
  });
  for await (const part of streamed.fullStream) {
    if (part.type === "text-delta") expectTypeOf(part.text).toBeString();
  }
  expectTypeOf(await streamed.text).toBeString();

  const { object } = await guardCall(
    guard,
    generateObject,
  )({
    model,
    schema: jsonSchema<{ answer: number }>({ type: "object" }),
    prompt: "x",
  });
  expectTypeOf(object.answer).toBeNumber();

  const { embedding } = await guardCall(guard, embed)({ model: new EmbeddingModel(), value: "x" });
  expectTypeOf(embedding).toEqualTypeOf<number[]>();

  // @ts-expect-error a misspelt option is still an error
  await guardCall(guard, generateText)({ model, prompt: "x", maxRetrys: 1 });
  // @ts-expect-error a tool that does not exist is still an error
  await guardCall(guard, generateText)({ model, tools, prompt: "x", activeTools: ["wether"] });
  // @ts-expect-error a missing model is still an error
  await guardCall(guard, generateText)({ prompt: "x" });
}

type Image = Parameters<typeof wrapImageModel>[0]["model"];

function guardedParts(guard: Guard, image: Image): void {
  expectTypeOf(guardModel(guard, model)).toEqualTypeOf<Model>();
  expectTypeOf(guardModel(guard.run(), model)).toEqualTypeOf<Model>();
  expectTypeOf(guardTools(guard, tools)).toEqualTypeOf<typeof tools>();
  expectTypeOf(guardTool(guard, weather)).toEqualTypeOf<typeof weather>();
  expectTypeOf(guardTool(guard, counter, { onDeny: "refuse" })).toEqualTypeOf<typeof counter>();

  const wrapped = wrapLanguageModel({ model, middleware: guardMiddleware(guard) });
  expectTypeOf(guardModel(guard, wrapped)).toEqualTypeOf(wrapped);
  wrapEmbeddingModel({ model: new EmbeddingModel(), middleware: guardMiddleware(guard) });
  wrapImageModel({ model: image, middleware: guardMiddleware(guard) });

  // @ts-expect-error a model id cannot be gated
  guardModel(guard, "provider/model");
  // @ts-expect-error there is no such answer to a refusal
  guardTools(guard, tools, { onDeny: "ignore" });
}

async function guardedAgents(guard: Guard): Promise<void> {
  const agent = new ToolLoopAgent({ model, tools });
  expectTypeOf(guardAgent(guard, agent)).toEqualTypeOf<typeof agent>();
  const { staticToolResults } = await guardAgent(guard, agent).generate({ prompt: "x" });
  for (const result of staticToolResults) {
    if (result.toolName === "weather") expectTypeOf(result.output.city).toBeString();
  }
}

test("the types of guarded calls, parts and agents are the vendor's own", () => {
  expect([guardedCalls, guardedParts, guardedAgents]).toHaveLength(3);
});
