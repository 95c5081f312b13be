import { Agent, tool } from "@openai/agents";
import type { Model, Tool } from "@openai/agents";
import {
  assistantMessage,
  functionCall,
  modelResponse,
  ScriptedModel,
} from "@openai/agents/testing";
import type { ScriptedModelResponse } from "@openai/agents/testing";
import { z } from "zod";
import type { World } from "../shared/world.ts";

const NO_INPUT = z.object({});

/** A model that says what it is told to, one response a call, and tells when it is entered. */
export function scripted(world: World, steps: readonly ScriptedModelResponse[]): Model {
  const model = new ScriptedModel(steps.map((step) => modelResponse(step)));
  return {
    getResponse: async (request) => {
      await world.enter("model");
      return model.getResponse(request);
    },
    async *getStreamedResponse(request) {
      await world.enter("model");
      yield* model.getStreamedResponse(request);
    },
  };
}

export const says = (text: string): ScriptedModelResponse => [assistantMessage(text)];
export const calls = (name: string, callId: string): ScriptedModelResponse => [
  functionCall(name, {}, { callId }),
];

/** Its default errorFunction would hide what is thrown inside it. */
export function searchTool(world: World, needsApproval = false) {
  return tool({
    name: "search",
    description: "Searches",
    parameters: NO_INPUT,
    needsApproval,
    execute: async () => {
      await world.enter("search");
      return "found";
    },
  });
}

export const withTool = (world: World, used: Tool, call: ScriptedModelResponse): Agent =>
  new Agent({ name: "worker", model: scripted(world, [call, says("done")]), tools: [used] });

export const options = ({ signal }: World): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

export const streaming = (world: World): { stream: true; signal?: AbortSignal } => ({
  stream: true,
  ...options(world),
});
