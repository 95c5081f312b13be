import { Agent, Runner, run, setTracingDisabled, shellTool, tool } from "@openai/agents";
import type { Model, ModelRequest, StreamEvent } from "@openai/agents";
import { functionCall, modelResponse, ScriptedModel } from "@openai/agents/testing";
import { beforeAll } from "vitest";
import {
  guardAgent,
  guardModel,
  guardRun,
  guardTool,
} from "../../../integrations/openai-agents/index.ts";
import { describeStops } from "../shared/stop-suite.ts";
import type { Play, Stage } from "../shared/stop-suite.ts";
import { NO_INPUT, SAYS_DONE } from "./fixtures.ts";

beforeAll(() => setTracingDisabled(true));

type Flight = "call" | "stream" | readonly string[];

/** A model that goes on for long, where it is told to. */
function modelThat(stage: Stage, flight: Flight): Model {
  const called =
    typeof flight === "string"
      ? SAYS_DONE
      : flight.map((name) => functionCall(name, {}, { callId: name }));
  const model = new ScriptedModel([modelResponse(called), modelResponse(SAYS_DONE)]);
  const begin = async ({ signal }: ModelRequest): Promise<void> => {
    if (flight === "call") await stage.goOn("model", signal);
    else stage.enter("model");
  };
  return {
    getResponse: async (request) => {
      await begin(request);
      return model.getResponse(request);
    },
    async *getStreamedResponse(request): AsyncGenerator<StreamEvent> {
      await begin(request);
      if (flight === "stream") {
        yield { type: "output_text_delta", delta: "half" };
        await stage.goOn("model", request.signal);
      }
      yield* model.getStreamedResponse(request);
    },
  };
}

const toolThat = (stage: Stage, name: string) =>
  tool({
    name,
    description: name,
    parameters: NO_INPUT,
    execute: async (_input, _context, details) => {
      await stage.goOn(name, details?.signal);
      return "found";
    },
  });

const agentThat = (stage: Stage, flight: Flight): Agent =>
  new Agent({
    name: "worker",
    model: modelThat(stage, flight),
    tools: [toolThat(stage, "search"), toolThat(stage, "fetch")],
  });

async function drain(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of parts);
}

const called = (flight: Flight) => (stage: Stage) =>
  guardRun(stage.guard)(agentThat(stage, flight), "go");

const streamed = (flight: Flight) => async (stage: Stage) =>
  drain(await guardRun(stage.guard)(agentThat(stage, flight), "go", { stream: true }));

const MODEL = { during: ["model"], names: ["model"] };
const SEARCH = { during: ["search"], names: ["tool search"] };

const plays: Readonly<Record<string, Play>> = {
  "a model call hangs": { ...MODEL, run: called("call") },
  "a streamed model call hangs": { ...MODEL, run: streamed("call") },
  "a model's stream is half way": { ...MODEL, run: streamed("stream") },
  "a model's stream is half way, read as text": {
    ...MODEL,
    run: async (stage) => {
      const agent = agentThat(stage, "stream");
      return drain((await guardRun(stage.guard)(agent, "go", { stream: true })).toTextStream());
    },
  },
  "a model's stream is half way, and its end is waited for": {
    ...MODEL,
    run: async (stage) => {
      const agent = agentThat(stage, "stream");
      const result = await guardRun(stage.guard)(agent, "go", { stream: true });
      void drain(result).catch(() => undefined);
      return result.completed;
    },
  },
  "a tool runs": { ...SEARCH, run: called(["search"]) },
  "a tool runs in a stream": { ...SEARCH, run: streamed(["search"]) },
  "two tools run": {
    during: ["search", "fetch"],
    names: ["tool search", "tool fetch"],
    run: called(["search", "fetch"]),
  },
  "a command of the shell runs": {
    during: ["shell"],
    names: ["tool shell"],
    // The SDK gives what acts on this machine no signal.
    unsignalled: true,
    run: (stage) => {
      const shell = {
        run: async () => {
          await stage.goOn("shell", undefined);
          return { output: [] };
        },
      };
      const model = new ScriptedModel([
        modelResponse([
          { type: "shell_call", callId: "1", status: "completed", action: { commands: ["ls"] } },
        ]),
        modelResponse(SAYS_DONE),
      ]);
      const agent = new Agent({ name: "worker", model, tools: [shellTool({ shell })] });
      return guardRun(stage.guard)(agent, "go");
    },
  },
  "nothing runs between two steps": {
    during: [],
    run: (stage) => {
      const none = tool({ name: "none", description: "", parameters: NO_INPUT, execute: () => "" });
      const agent = new Agent({ name: "worker", model: modelThat(stage, ["none"]), tools: [none] });
      agent.on("agent_tool_end", () => stage.stop());
      return guardRun(stage.guard)(agent, "go");
    },
  },
  "a tool of an agent that is a tool runs": {
    ...SEARCH,
    run: (stage) => {
      const inner = guardAgent(stage.guard, agentThat(stage, ["search"]));
      const ask = inner.asTool({ toolName: "ask", toolDescription: "Asks" });
      const model = new ScriptedModel([
        modelResponse([functionCall("ask", { input: "x" }, { callId: "ask" })]),
        modelResponse(SAYS_DONE),
      ]);
      return guardRun(stage.guard)(new Agent({ name: "outer", model, tools: [ask] }), "go");
    },
  },
  "an agent that is guarded alone calls its model": {
    ...MODEL,
    run: (stage) => run(guardAgent(stage.guard, agentThat(stage, "call")), "go"),
  },
  "a model that is guarded alone streams": {
    ...MODEL,
    run: async (stage) => {
      const model = guardModel(stage.guard, modelThat(stage, "stream"));
      const agent = new Agent({ name: "worker", model });
      const result = await new Runner().run(agent, "go", { stream: true });
      await drain(result);
      return result.completed;
    },
  },
  "a tool that is guarded alone runs": {
    ...SEARCH,
    run: (stage) => {
      const search = guardTool(stage.guard, toolThat(stage, "search"));
      const model = new ScriptedModel([
        modelResponse([functionCall("search", {}, { callId: "1" })]),
      ]);
      const agent = new Agent({ name: "worker", model, tools: [search] });
      return run(agent, "go");
    },
  },
};

describeStops(plays);
