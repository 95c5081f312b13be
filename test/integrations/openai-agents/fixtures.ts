import { tool } from "@openai/agents";
import { assistantMessage, functionCall } from "@openai/agents/testing";
import { z } from "zod";
import type { RecordingGuard } from "../../../src/testing/recording-guard.ts";

export const NO_INPUT = z.object({});
export const SAYS_DONE = [assistantMessage("done")];

export const boundariesOf = (guard: RecordingGuard): (string | undefined)[] =>
  guard.checks.map(({ boundary }) => `${boundary.kind} ${boundary.name ?? "-"}`);

export const runsOf = (guard: RecordingGuard): number =>
  new Set(guard.checks.map((each) => each.runId)).size;

export const call = (name: string, callId = name) => functionCall(name, {}, { callId });

export const toolThat = (name: string, execute: () => unknown) =>
  tool({ name, description: name, parameters: NO_INPUT, execute: async () => execute() });

export const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
