import * as ai7 from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  guardCall,
  guardMiddleware,
  guardModel,
  guardTool,
  guardTools,
} from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError, findExecutionStopped } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { tools } from "./sample-calls.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import type { Turn } from "./fake-models.ts";
import { endOf, errorOf } from "./surfaces.ts";
import { sdks } from "./versions.ts";
import type { CallOptions, Sdk } from "./versions.ts";

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

const ONE_TOOL: readonly Turn[] = [{ calls: ["a"] }, { text: "done" }];

function options(sdk: Sdk, script: readonly Turn[] = ONE_TOOL): CallOptions {
  return {
    model: fakeLanguageModel(sdk.version, script, enter),
    tools: tools({ sdk, guard, enter, variant: "plain" }),
    stopWhen: sdk.stopAfter(5),
    prompt: "begin",
    onError: () => undefined,
  };
}

const model = ({ version }: Sdk, name = "model"): object =>
  fakeLanguageModel(version, ONE_TOOL, enter, name);

describe.each(sdks)("ai $version", (sdk) => {
  describe("what is guarded twice asks once", () => {
    const onceEach = 3;

    test("a guarded model and guarded tools in a guarded call", async () => {
      const given = options(sdk);
      const call = guardCall(guard, guardCall(guard, sdk.generateText));
      const once = guardTools(guard, given["tools"] as Record<string, object>);
      await call({
        ...given,
        model: guardModel(guard, guardModel(guard, given["model"] as object)),
        tools: guardTools(guard, { ...once, a: { ...guardTool(guard, once["a"] as object) } }),
      });
      expect(authority.validations).toBe(onceEach);
      expect(entered).toEqual(["model", "a", "model"]);
    });

    test("the model that prepareStep was handed", async () => {
      const prepareStep = ({ model }: { model: object }): CallOptions => ({ model });
      await guardCall(guard, sdk.generateText)({ ...options(sdk), prepareStep });
      expect(authority.validations).toBe(onceEach);
    });
  });

  test("two guards both ask, and either stops the call", async () => {
    await using other = await startScriptedAuthority();
    const second = createGuard(other.client(), { deviceId: "agent-02" });
    const call = guardCall(guard, guardCall(second, sdk.generateText));
    await call(options(sdk));
    expect([authority.validations, other.validations]).toEqual([3, 3]);
    entered = [];
    for (const [refusing, allowing] of [
      [authority, other],
      [other, authority],
    ] as const) {
      await refusing.become("revoked");
      await allowing.become("allow");
      const error = await errorOf(() => call(options(sdk)));
      expect(error).toBeInstanceOf(ExecutionDeniedError);
    }
    expect(entered).toEqual([]);
  });

  test.each(["generateText", "streamText"] as const)(
    "%s: a refusal holds though the authority allows again at once",
    async (name) => {
      authority.onValidation = (count) => authority.become(count === 2 ? "revoked" : "allow");
      const error = await errorOf(async () => {
        const result = (await guardCall(guard, sdk[name])(options(sdk))) as { text: unknown };
        await result.text;
      });
      expect(error).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual(["model"]);
      expect(authority.validations).toBe(2);
    },
  );

  test("every attempt asks, and a refusal is not retried", async () => {
    const busy = new ai7.APICallError({
      message: "busy",
      url: "http://model",
      requestBodyValues: {},
      statusCode: 503,
      responseHeaders: { "retry-after-ms": "1" },
    });
    const failing = fakeLanguageModel(sdk.version, ONE_TOOL, (body) => {
      enter(body);
      throw busy;
    });
    authority.onValidation = (count) => authority.become(count < 3 ? "allow" : "revoked");
    const call = guardCall(guard, sdk.generateText);
    const error = await errorOf(() => call({ ...options(sdk), model: failing, maxRetries: 9 }));
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual(["model", "model"]);
    expect(authority.validations).toBe(3);
  });

  describe("onDeny", () => {
    beforeEach(() => authority.become("revoked"));

    test("refuse: the model reads the fixed payload and nothing else", async () => {
      const given = options(sdk);
      await sdk.generateText({
        ...given,
        tools: guardTools(guard, given["tools"] as Record<string, object>, { onDeny: "refuse" }),
      });
      expect(entered).toEqual(["model", "model"]);
      const [, second] = Reflect.get(given["model"] as object, "doGenerateCalls") as [
        unknown,
        { prompt: { role: string; content: { output: unknown }[] }[] },
      ];
      const result = second.prompt.find(({ role }) => role === "tool")?.content[0];
      const value = '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}';
      expect(result?.output).toEqual({ type: "error-text", value });
    });

    test("stop: the refusal is thrown, and the run's signal ends the call", async () => {
      const given = options(sdk);
      const run = guard.run();
      const error = await errorOf(() =>
        sdk.generateText({
          ...given,
          tools: guardTools(run, given["tools"] as Record<string, object>),
          model: guardModel(run, given["model"] as object),
          abortSignal: run.signal,
        }),
      );
      expect(error).toBe(run.stopped);
      expect(entered).toEqual([]);
    });
  });

  test("code between the gates is not called when the call was aborted beforehand", async () => {
    const prepareStep = (): void => enter("prepareStep");
    const abortSignal = AbortSignal.abort(new Error("the caller's own"));
    const call = guardCall(guard, sdk.generateText);
    const error = await errorOf(() => call({ ...options(sdk), prepareStep, abortSignal }));
    expect(error).toMatchObject({ message: "the caller's own" });
    expect(entered).toEqual([]);
    expect(authority.requests).toEqual([]);
  });

  test("the call itself is aborted with the refusal", async () => {
    await authority.become("revoked");
    let signal: AbortSignal | undefined;
    const call = guardCall(guard, async (given: { model: object; abortSignal?: AbortSignal }) => {
      signal = given.abortSignal;
      await sdk.generateText({ model: given.model, prompt: "x" });
    });
    const error = await errorOf(() => call({ model: model(sdk) }));
    expect(signal?.reason).toBe(error);
    expect(error).toBeInstanceOf(ExecutionDeniedError);
  });

  test("middleware asks at each call of the model it wraps", async () => {
    const wrapped = sdk.wrapLanguageModel({
      model: model(sdk),
      middleware: guardMiddleware(guard),
    });
    await sdk.generateText({ ...options(sdk), model: wrapped });
    expect(authority.validations).toBe(2);
  });

  describe("refused because it cannot be gated", () => {
    const refused = { name: "InvalidArgumentError", code: "OPTION_INVALID" };

    test("a model id", async () => {
      const call = guardCall(guard, sdk.generateText);
      const given = { ...options(sdk), model: "provider/model" };
      expect(await errorOf(() => call(given))).toMatchObject(refused);
    });

    test("a model id from prepareStep", async () => {
      const call = guardCall(guard, sdk.generateText);
      const prepareStep = (): CallOptions => ({ model: "provider/model" });
      expect(await errorOf(() => call({ ...options(sdk), prepareStep }))).toMatchObject(refused);
      expect(entered).toEqual([]);
    });

    test.each([{}, { model: undefined }, { model: null }])("a call with %o", async (given) => {
      const call = guardCall(guard, sdk.generateText);
      expect(await errorOf(() => call({ prompt: "x", ...given }))).toMatchObject(refused);
    });

    test("a class", async () => {
      const Gated = guardCall(guard, sdk.Agent as never) as unknown as new () => object;
      expect(await errorOf(() => new Gated())).toMatchObject(refused);
    });
  });

  test("a text response breaks off instead of ending as if it were whole", async () => {
    authority.onValidation = (count) => authority.become(count === 2 ? "revoked" : "allow");
    const result = guardCall(guard, sdk.streamText)(options(sdk)) as {
      toTextStreamResponse: () => Response;
    };
    const error = await endOf(() => result.toTextStreamResponse().body);
    expect(findExecutionStopped(error)).toBeDefined();
  });

  test("consumeStream tells its onError, and a call nobody awaits is no unhandled rejection", async () => {
    await authority.become("revoked");
    const result = guardCall(guard, sdk.streamText)(options(sdk)) as {
      consumeStream: (options: CallOptions) => Promise<void>;
    };
    const told = await new Promise((resolve) => {
      void result.consumeStream({ onError: resolve });
    });
    expect(told).toBeInstanceOf(ExecutionDeniedError);
  });

  test("a call ends though a sibling of the refused tool never does", async () => {
    const given = options(sdk, [{ calls: ["endless", "a"] }, { text: "done" }]);
    const endless = {
      inputSchema: sdk.anyInput,
      execute: () => {
        entered.push("endless");
        void authority
          .become("revoked")
          .then(() => run.check({ kind: "task" }).catch(() => undefined));
        return new Promise(() => undefined);
      },
    };
    const run = guard.run();
    const call = guardCall({ ...guard, run: () => run }, sdk.generateText);
    const error = await errorOf(() =>
      call({ ...given, tools: { ...(given["tools"] as object), endless } }),
    );
    expect(error).toBe(run.stopped);
    expect(entered.filter((body) => body === "model")).toHaveLength(1);
  });
});
