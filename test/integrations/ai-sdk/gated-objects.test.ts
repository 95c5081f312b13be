import * as ai7 from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  guardCall,
  guardModel,
  guardTool,
  guardTools,
  ToolRefusedError,
} from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError, InvalidArgumentError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import { errorOf } from "./surfaces.ts";
import { sdkOf } from "./versions.ts";

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

class PrivateModel {
  readonly specificationVersion = "v4";
  readonly provider = "private";
  readonly modelId = "private-model";
  #secret = 42;
  get supportedUrls(): Record<string, RegExp[]> {
    return this.#secret === 42 ? {} : { never: [] };
  }
  describe(): number {
    return this.#secret;
  }
  async doGenerate(_options: object): Promise<number> {
    return this.#secret;
  }
  async doSomethingNew(): Promise<string> {
    enter("new");
    return "new";
  }
}

describe("a guarded model", () => {
  test("keeps what it is, private fields included", async () => {
    const model = guardModel(guard, new PrivateModel());
    expect(model).toBeInstanceOf(PrivateModel);
    expect(model.constructor.name).toBe("PrivateModel");
    expect(model.specificationVersion).toBe("v4");
    expect(model.supportedUrls).toEqual({});
    expect(model.describe()).toBe(42);
    expect(await model.doGenerate({})).toBe(42);
    expect("doGenerate" in model).toBe(true);
    expect(Object.keys(model)).toEqual(Object.keys(new PrivateModel()));
  });

  test("is gated in operations that no version has yet", async () => {
    await authority.become("revoked");
    const model = guardModel(guard, new PrivateModel());
    await expect(model.doSomethingNew()).rejects.toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test("names itself in the refusal", async () => {
    await authority.become("revoked");
    const error = await errorOf(() => guardModel(guard, new PrivateModel()).doGenerate({}));
    expect(error).toMatchObject({ boundary: { kind: "model", name: "private-model" } });
  });

  test("may be frozen", async () => {
    await authority.become("revoked");
    const model = guardModel(guard, Object.freeze({ doEmbed: async () => enter("embed") }));
    await expect(model.doEmbed()).rejects.toBeInstanceOf(ExecutionDeniedError);
  });

  test("shows no ungated operation through its property descriptors", async () => {
    await authority.become("revoked");
    const model = guardModel(guard, { doEmbed: async () => enter("embed") });
    const { value } = Object.getOwnPropertyDescriptor(model, "doEmbed") ?? {};
    await expect((value as () => Promise<void>)()).rejects.toBeInstanceOf(ExecutionDeniedError);
    await expect({ ...model }.doEmbed()).rejects.toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test.each([
    ["a provider", () => ({ languageModel: () => undefined })],
    ["a function", () => () => undefined],
    ["a realtime model", () => ({ doCreateClientSecret: enter, getWebSocketConfig: enter })],
  ])("is not %s", (_, make) => {
    expect(() => guardModel(guard, make())).toThrow(InvalidArgumentError);
  });
});

describe("a guarded tool", () => {
  test("keeps what it is, private fields included", async () => {
    class PrivateTool {
      readonly description = "private";
      #secret = 42;
      async execute(_input: unknown): Promise<number> {
        return this.#secret;
      }
      toModelOutput(): number {
        return this.#secret;
      }
    }
    const tool = guardTool(guard, new PrivateTool());
    expect(tool.description).toBe("private");
    expect(tool.toModelOutput()).toBe(42);
    expect(await tool.execute({})).toBe(42);
  });

  test("without execute has none", () => {
    expect(guardTool(guard, { description: "x" })).toEqual({ description: "x" });
    expect("execute" in guardTool(guard, { description: "x" })).toBe(false);
  });

  test("that is added to the set later is gated", async () => {
    await authority.become("revoked");
    const set: Record<string, { execute: () => unknown }> = {};
    const guarded = guardTools(guard, set);
    set["late"] = { execute: () => enter("late") };
    const error = await errorOf(() => guarded["late"]?.execute());
    expect(error).toMatchObject({ boundary: { kind: "tool", name: "late" } });
    expect(Object.keys(guarded)).toEqual(["late"]);
    expect(entered).toEqual([]);
  });

  test("that the set inherits is gated", async () => {
    await authority.become("revoked");
    const set: Record<string, { execute: () => unknown }> = Object.create({
      inherited: { execute: () => enter("inherited") },
    });
    const error = await errorOf(() => guardTools(guard, set)["inherited"]?.execute());
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test("that is one object under two names has each name", async () => {
    await authority.become("revoked");
    const tool = { execute: () => enter("x") };
    const { first, second } = guardTools(guard, { first: tool, second: tool });
    expect(await errorOf(() => first.execute())).toMatchObject({ boundary: { name: "first" } });
    expect(await errorOf(() => second.execute())).toMatchObject({ boundary: { name: "second" } });
  });

  test("keeps `execute` of a plain tool no generator, and of a generator one", async () => {
    const { plain, generator } = guardTools(guard, {
      plain: { execute: () => 1 },
      generator: {
        async *execute() {
          yield 1;
          yield 2;
        },
      },
    });
    expect(await (plain.execute() as unknown as Promise<number>)).toBe(1);
    const yielded: number[] = [];
    for await (const value of generator.execute()) yielded.push(value);
    expect(yielded).toEqual([1, 2]);
  });

  test("whose plain `execute` returns an iterable yields its last value", async () => {
    async function* values(): AsyncGenerator<number> {
      yield 1;
      yield 2;
    }
    const tool = guardTool(guard, { execute: () => values() });
    expect(await (tool.execute() as unknown as Promise<number>)).toBe(2);
  });

  test("that is a generator does not go on once its run is stopped", async () => {
    const run = guard.run();
    const tool = guardTool(run, {
      async *execute() {
        enter("first");
        yield 1;
        enter("second");
        yield 2;
      },
    });
    const values = tool.execute();
    await values.next();
    await authority.become("revoked");
    const error = await errorOf(() => run.check({ kind: "task" }));
    expect(await errorOf(() => values.next())).toBe(error);
    expect(entered).toEqual(["first"]);
  });

  test("hands its body a signal that aborts when the run is stopped", async () => {
    const run = guard.run();
    const tool = guardTool(run, {
      execute: async (_input: unknown, { abortSignal }: { abortSignal?: AbortSignal }) =>
        abortSignal,
    });
    const signal = await tool.execute({}, {});
    await authority.become("revoked");
    const error = await errorOf(() => run.check({ kind: "task" }));
    expect(signal?.reason).toBe(error);
  });

  test("that refuses throws the payload, with the refusal as cause", async () => {
    await authority.become("revoked");
    const tool = guardTool(guard, { execute: () => enter("x") }, { onDeny: "refuse", name: "x" });
    const error = await errorOf(() => tool.execute());
    expect(error).toBeInstanceOf(ToolRefusedError);
    expect(error).toMatchObject({ cause: { code: "DEVICE_REVOKED", boundary: { name: "x" } } });
    expect(String(error)).toBe(
      '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}',
    );
  });
});

describe("ai 7", () => {
  const sdk = sdkOf(7);

  test("a tool that a tool caller binds for a step is gated", async () => {
    await authority.become("revoked");
    const caller = ai7.experimental_toolCaller(
      ai7.tool({
        inputSchema: ai7.jsonSchema({ type: "object" }),
        execute: () => enter("unbound"),
      }),
      {
        type: "local",
        bind: () =>
          ai7.tool({
            inputSchema: ai7.jsonSchema({ type: "object" }),
            execute: () => enter("bound"),
          }),
      },
    );
    const { code } = guardTools(guard, { code: caller });
    const definition = code.experimental_toolCaller;
    if (definition.type !== "local") throw new Error("expected a local caller");
    const bound = definition.bind({}) as unknown as { execute: () => unknown };
    expect(await errorOf(() => bound.execute())).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual([]);
  });

  test("the search of a tool made with toolSearch is gated", async () => {
    const search = (): string[] => {
      enter("search");
      return [];
    };
    const inputSchema = ai7.jsonSchema<{ query: string }>(
      { type: "object" },
      { validate: () => ({ success: true, value: { query: "x" } }) },
    );
    const find = (): Promise<unknown> =>
      errorOf(() =>
        guardCall(
          guard,
          sdk.generateText,
        )({
          model: fakeLanguageModel(7, [{ calls: ["find"] }, { text: "done" }], enter),
          tools: { find: { ...ai7.toolSearch({ search }), inputSchema } },
          stopWhen: sdk.stopAfter(5),
          prompt: "x",
        }),
      );
    expect(await find()).toBeUndefined();
    expect(entered).toEqual(["model", "search", "model"]);
    entered = [];
    authority.onValidation = (count) => authority.become(count === 5 ? "revoked" : "allow");
    expect(await find()).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual(["model"]);
  });

  test("a model of an older interface is asked for once, also when prepareStep hands it back", async () => {
    const prepareStep = ({ model }: { model: object }): object => ({ model });
    const script = [{ text: "done" }];
    for (const version of [5, 6] as const) {
      const model = fakeLanguageModel(version, script, enter);
      await guardCall(guard, sdk.generateText)({ model, prompt: "x", prepareStep });
    }
    expect(authority.validations).toBe(2);
    expect(entered).toEqual(["model", "model"]);
  });
});
