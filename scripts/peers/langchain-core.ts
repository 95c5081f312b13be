import { RunnableLambda } from "@langchain/core/runnables";
import {
  createGuardCallbackHandler,
  guardModel,
  guardRunnable,
  guardTool,
} from "machineid-io/langchain";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";
import { FakeChatModel, searchTool } from "./langchain-model.ts";

const chain = ({ enter }: World) =>
  RunnableLambda.from(async (text: string) => {
    await enter("first");
    return text;
  }).pipe(
    RunnableLambda.from(async (text: string) => {
      await enter("second");
      return text;
    }),
  );

await goThrough({
  "guardModel, invoke": (world) => guardModel(world.guard, new FakeChatModel(world)).invoke("hi"),
  "guardModel, stream": (world) =>
    drain(guardModel(world.guard, new FakeChatModel(world)).stream("hi")),
  "guardModel, streamEvents": (world) =>
    drain(guardModel(world.guard, new FakeChatModel(world)).streamEvents("hi", { version: "v2" })),
  "guardTool, invoke": (world) =>
    guardTool(world.guard, searchTool(world)).invoke({ query: "cats" }),
  "guardRunnable, invoke": (world) => guardRunnable(world.guard, chain(world)).invoke("go"),
  "guardRunnable, stream": (world) => drain(guardRunnable(world.guard, chain(world)).stream("go")),
  "guardRunnable, retried": (world) =>
    guardRunnable(world.guard, chain(world).withRetry({ stopAfterAttempt: 2 })).invoke("go"),
  "createGuardCallbackHandler, invoke": (world) =>
    chain(world).invoke("go", { callbacks: [createGuardCallbackHandler(world.guard)] }),
  "createGuardCallbackHandler, model": (world) =>
    new FakeChatModel(world).invoke("hi", { callbacks: [createGuardCallbackHandler(world.guard)] }),
});
