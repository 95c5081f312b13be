import {
  guardCall,
  guardMiddleware,
  guardModel,
  guardTool,
  guardTools,
} from "../../../integrations/ai-sdk/index.ts";
import { approvalCases } from "./approval-cases.ts";
import type { Case } from "./case.ts";
import { fakeEmbeddingModel, fakeImageModel, fakeLanguageModel, fakeModel } from "./fake-models.ts";
import {
  agent,
  bare,
  DONE,
  forgedApproval,
  generate,
  options,
  PARALLEL,
  signalOf,
  simple,
  stream,
  tools,
  TWO_TOOLS,
} from "./sample-calls.ts";
import { OTHER_KINDS } from "./other-kinds.ts";
import type { Call } from "./versions.ts";
import { errorOf, streamObjectSurfaces, streamTextSurfaces } from "./surfaces.ts";

const ALL = [5, 6, 7] as const;
const NEWER = [6, 7] as const;

export const cases: readonly Case[] = [
  {
    door: "generateText",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: generate(TWO_TOOLS),
  },
  { door: "streamText", entry: "guardCall", versions: ALL, loops: true, run: stream(TWO_TOOLS) },
  {
    door: "parallel tool calls in generateText",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: generate(PARALLEL),
  },
  {
    door: "parallel tool calls in streamText",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: stream(PARALLEL),
  },
  {
    door: "generator tool in generateText",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: generate([{ calls: ["generator"] }, { text: "done" }]),
  },
  {
    door: "generator tool in streamText",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: stream([{ calls: ["generator"] }, { text: "done" }]),
  },
  {
    door: "dynamic tool",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: generate([{ calls: ["dynamic"] }, { text: "done" }]),
  },
  {
    door: "tool call as the last step",
    entry: "guardCall",
    versions: ALL,
    loops: true,
    run: generate([{ calls: ["a", "b"] }], ({ sdk }) => ({ stopWhen: sdk.stopAfter(1) })),
  },
  {
    door: "forged approval in generateText",
    entry: "guardCall",
    versions: NEWER,
    loops: true,
    run: generate(DONE, forgedApproval),
  },
  {
    door: "forged approval in streamText",
    entry: "guardCall",
    versions: NEWER,
    loops: true,
    run: stream(DONE, forgedApproval),
  },
  ...approvalCases,
  {
    door: "generateObject",
    entry: "guardCall",
    versions: ALL,
    loops: false,
    run: simple(
      (sdk) => sdk.generateObject,
      () => ({ output: "no-schema" }),
    ),
  },
  ...["fullStream", "textStream", "partialObjectStream"].map((stream): Case => ({
    door: `streamObject, read by ${stream}`,
    entry: "guardCall",
    versions: ALL,
    loops: false,
    run: (world) => {
      const call = guardCall(world.guard, world.sdk.streamObject);
      return streamObjectSurfaces(call(bare(world, { output: "no-schema" })), stream);
    },
  })),
  {
    door: "embed",
    entry: "guardCall",
    versions: ALL,
    loops: false,
    run: simple(
      (sdk) => sdk.embed,
      ({ sdk, enter }) => ({ model: fakeEmbeddingModel(sdk.version, enter), value: "x" }),
    ),
  },
  {
    door: "embedMany",
    entry: "guardCall",
    versions: ALL,
    loops: false,
    run: simple(
      (sdk) => sdk.embedMany,
      ({ sdk, enter }) => ({
        model: fakeEmbeddingModel(sdk.version, enter),
        values: ["x", "y", "z"],
      }),
    ),
  },
  {
    door: "generateImage",
    entry: "guardCall",
    versions: ALL,
    loops: false,
    run: simple(
      (sdk) => sdk.generateImage,
      ({ sdk, enter }) => ({ model: fakeImageModel(sdk.version, enter), n: 2 }),
    ),
  },
  ...OTHER_KINDS.map(({ door, versions, operation, answer, input }): Case => ({
    door,
    entry: "guardCall",
    versions,
    loops: false,
    run: simple(
      (sdk) => sdk[door],
      ({ sdk, enter }) => ({
        model: fakeModel(sdk.version, operation, answer, enter),
        prompt: undefined,
        ...input,
      }),
    ),
  })),
  {
    door: "agent.generate",
    entry: "guardAgent",
    versions: ALL,
    loops: true,
    run: async (world) => {
      const { guarded, turn } = agent(world, TWO_TOOLS);
      return { promise: await errorOf(() => guarded.generate(turn)) };
    },
  },
  {
    door: "agent.stream",
    entry: "guardAgent",
    versions: ALL,
    loops: true,
    run: async (world) => {
      const { guarded, turn } = agent(world, TWO_TOOLS);
      let result: unknown;
      const promise = await errorOf(async () => {
        result = await guarded.stream(turn);
      });
      return result === undefined ? { promise } : streamTextSurfaces(result);
    },
  },
  {
    door: "tool.execute called directly",
    entry: "guardTool",
    versions: ALL,
    loops: false,
    run: async (world) => {
      const { a } = tools(world);
      const tool = guardTool(world.guard, a as { execute: Call }, { name: "a" });
      return {
        promise: await errorOf(() => Reflect.apply(tool.execute, tool, [{}, signalOf(world)])),
      };
    },
  },
  {
    door: "tools and model of one run",
    entry: "guardModel, guardTools",
    versions: ALL,
    loops: true,
    run: async (world) => {
      const given = options(world, TWO_TOOLS);
      const run = world.guard.run(
        world.abortSignal === undefined ? {} : { signal: world.abortSignal },
      );
      const call = (): unknown =>
        world.sdk.generateText({
          ...given,
          model: guardModel(run, given["model"] as object),
          tools: guardTools(run, tools(world)),
          abortSignal: run.signal,
          prepareStep: undefined,
        });
      return { promise: await errorOf(call) };
    },
  },
  {
    door: "model of its own",
    entry: "guardModel",
    versions: ALL,
    loops: false,
    run: async (world) => {
      const model = guardModel(
        world.guard,
        fakeLanguageModel(world.sdk.version, DONE, world.enter),
      );
      return { promise: await errorOf(() => world.sdk.generateText(bare(world, { model }))) };
    },
  },
  ...(["generateText", "streamText"] as const).map((name): Case => ({
    door: `wrapLanguageModel in ${name}`,
    entry: "guardMiddleware",
    versions: ALL,
    loops: false,
    run: async (world) => {
      const { version, wrapLanguageModel } = world.sdk;
      const model = wrapLanguageModel({
        model: fakeLanguageModel(version, DONE, world.enter),
        middleware: guardMiddleware(world.guard),
      });
      const errors: unknown[] = [];
      const onError = ({ error }: { error: unknown }): number => errors.push(error);
      const given = bare(world, { model, onError });
      if (name === "generateText") {
        return { promise: await errorOf(() => world.sdk.generateText(given)) };
      }
      const result = world.sdk.streamText(given) as { consumeStream: () => Promise<void> };
      await result.consumeStream();
      return { onError: errors[0] };
    },
  })),
  {
    door: "wrapEmbeddingModel in embed",
    entry: "guardMiddleware",
    versions: NEWER,
    loops: false,
    run: async (world) => {
      const { version, wrapEmbeddingModel, embed } = world.sdk;
      const model = wrapEmbeddingModel({
        model: fakeEmbeddingModel(version, world.enter),
        middleware: guardMiddleware(world.guard),
      });
      return { promise: await errorOf(() => embed(bare(world, { model, value: "x" }))) };
    },
  },
  {
    door: "wrapImageModel in generateImage",
    entry: "guardMiddleware",
    versions: NEWER,
    loops: false,
    run: async (world) => {
      const { version, wrapImageModel, generateImage } = world.sdk;
      const model = wrapImageModel({
        model: fakeImageModel(version, world.enter),
        middleware: guardMiddleware(world.guard),
      });
      return { promise: await errorOf(() => generateImage(bare(world, { model }))) };
    },
  },
];
