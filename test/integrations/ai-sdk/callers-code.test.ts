import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  guardCall,
  guardModel,
  guardTool,
  guardTools,
} from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import { endOf, errorOf } from "./surfaces.ts";
import { sdks } from "./versions.ts";
import type { CallOptions } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

let authority: ScriptedAuthority;
let guard: Guard;
let entered: string[];
const enter = (body: string): void => {
  entered.push(body);
};

beforeEach(async () => {
  authority = await startScriptedAuthority();
  guard = createGuard(authority.client(), { deviceId: "agent-01" });
  entered = [];
});
afterEach(() => authority.close());

const clone = <T extends object>(value: T): T =>
  Object.assign(Object.create(Object.getPrototypeOf(value)), value);

describe.each(sdks)("code of the caller's around ai $version", (sdk) => {
  const model = (name = "model"): object =>
    fakeLanguageModel(sdk.version, [{ text: "done" }], enter, name);

  test("a model that prepareStep puts into what it was handed is gated", async () => {
    await authority.become("revoked");
    const prepareStep = (step: CallOptions): CallOptions => {
      step["model"] = model("another");
      return { model: step["model"] };
    };
    const call = guardCall(guard, sdk.generateText);
    const error = await errorOf(() => call({ model: model(), prompt: "x", prepareStep }));
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test("a clone of a guarded model of a class is gated", async () => {
    await authority.become("revoked");
    class Delegating {
      readonly specificationVersion = `v${sdk.version - 3}`;
      readonly provider = "fake";
      readonly modelId = "delegating";
      readonly supportedUrls = {};
      doGenerate(given: object): unknown {
        enter("delegating");
        return (model() as { doGenerate: (given: object) => unknown }).doGenerate(given);
      }
    }
    const guarded = guardModel(guard, new Delegating());
    expect(clone(guarded)).toBeInstanceOf(Delegating);
    const error = await errorOf(() => sdk.generateText({ model: clone(guarded), prompt: "x" }));
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  describe.each([
    ["a part of what it returns", <T>(result: T) => ({ result })],
    ["in a list", <T>(result: T) => [result]],
  ])("the result of a stream as %s", (_, put) => {
    test.each([
      ["promise of it", async <T>(value: T) => value],
      ["call", <T>(value: T) => value],
    ])("fails with the refusal, from a %s", async (__, answer) => {
      await authority.become("revoked");
      const call = guardCall(guard, (given: CallOptions) =>
        answer(put(sdk.streamText({ ...given, onError: () => undefined }))),
      );
      const results = async (): Promise<Record<string, () => unknown>> =>
        Object.values(await call({ model: model(), prompt: "x" }))[0] as never;
      expect(await errorOf(async () => (await results())["consumeStream"]?.())).toBeInstanceOf(
        ExecutionDeniedError,
      );
      const { textStream } = await results();
      expect(await endOf(() => textStream)).toBeInstanceOf(ExecutionDeniedError);
    });
  });

  test("a stream that a plain tool returns is read as it is without a guard", async () => {
    const outputs = async (guarded: boolean): Promise<unknown> => {
      const call = guarded ? guardCall(guard, sdk.generateText) : sdk.generateText;
      const letters = {
        inputSchema: sdk.anyInput,
        execute: () => ReadableStream.from(["a", "b"]),
      };
      const script = [{ calls: ["letters"] }, { text: "done" }];
      const result = (await call({
        model: fakeLanguageModel(sdk.version, script, enter),
        tools: { letters },
        stopWhen: sdk.stopAfter(3),
        prompt: "x",
      })) as { steps: { toolResults: { output: unknown }[] }[] };
      return result.steps[0]?.toolResults.map(({ output }) => output);
    };
    expect(await outputs(true)).toEqual(await outputs(false));
    expect(await outputs(true)).toEqual(["b"]);
  });
});

describe("a gate below the gate of another guard", () => {
  let other: ScriptedAuthority;
  let second: Guard;

  beforeEach(async () => {
    other = await startScriptedAuthority();
    second = createGuard(other.client(), { deviceId: "agent-02" });
  });
  afterEach(() => other.close());

  test("of a model asks once, though its guard gates it again", async () => {
    const model = { modelId: "m", doEmbed: async () => enter("m") };
    const twice = guardModel(guard, guardModel(second, guardModel(guard, model)));
    await twice.doEmbed();
    expect([authority.validations, other.validations]).toEqual([1, 1]);
  });

  test("of a tool asks once, though its guard gates it again", async () => {
    const tools = { a: { execute: async () => enter("a") } };
    await guardTools(guard, guardTools(second, guardTools(guard, tools))).a.execute();
    expect([authority.validations, other.validations]).toEqual([1, 1]);
  });

  test.each([0, 1])(
    "stops the model and the tool when its device is revoked: %i",
    async (index) => {
      const model = { modelId: "m", doEmbed: async () => enter("m") };
      const tool = { execute: async () => enter("a") };
      await (index === 0 ? authority : other).become("revoked");
      const guarded = guardModel(guard, guardModel(second, guardModel(guard, model)));
      expect(await errorOf(() => guarded.doEmbed())).toBeInstanceOf(ExecutionDeniedError);
      const guardedTool = guardTool(guard, guardTool(second, guardTool(guard, tool)));
      expect(await errorOf(() => guardedTool.execute())).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    },
  );
});

describe("a clone of a guarded tool of a class", () => {
  class Counter {
    step = 1;
    async execute(value: number): Promise<number> {
      enter("counter");
      return value + this.step;
    }
  }

  test("is gated", async () => {
    await authority.become("revoked");
    const guarded = guardTool(guard, new Counter());
    expect(guarded).toBeInstanceOf(Counter);
    expect(await errorOf(() => clone(guarded).execute(1))).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test("runs on itself, not on what it was cloned from", async () => {
    const copy = clone(guardTool(guard, new Counter()));
    copy.step = 10;
    expect(await copy.execute(1)).toBe(11);
  });
});
