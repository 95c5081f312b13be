import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { guardAgent, guardCall, guardTools } from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import { forgedApproval } from "./sample-calls.ts";
import { errorOf } from "./surfaces.ts";
import { sdkOf } from "./versions.ts";
import type { Call, CallOptions } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

let authority: ScriptedAuthority;
let guard: Guard;
let entered: string[];

beforeEach(async () => {
  authority = await startScriptedAuthority();
  guard = createGuard(authority.client(), { deviceId: "agent-01" });
  entered = [];
});
afterEach(() => authority.close());

const sdk = sdkOf(7);
const enter = (body: string): void => void entered.push(body);

/** A tool that tells when it runs, with what decides on its approval. */
const tool = (name: string, more: object = {}): object => ({
  inputSchema: sdk.anyInput,
  execute: async () => {
    enter(name);
    return name;
  },
  ...more,
});

function options(toolApproval: unknown, names: readonly string[] = ["a"]): CallOptions {
  return {
    model: fakeLanguageModel(7, [{ calls: names }, { text: "done" }], enter),
    tools: { a: tool("a"), b: tool("b"), c: tool("c") },
    stopWhen: sdk.stopAfter(5),
    prompt: "begin",
    toolApproval,
    onError: () => undefined,
  };
}

/** What the steps came to, without what differs by nature. */
async function contentOf(result: unknown): Promise<unknown> {
  const { steps } = (await result) as { steps: unknown };
  const contents = ((await steps) as { content: unknown }[]).map(({ content }) => content);
  const hide = (key: string, value: unknown): unknown =>
    key === "approvalId" || key === "toolCallId" ? undefined : value;
  return JSON.parse(JSON.stringify(contents, hide));
}

const configurations: readonly [string, () => unknown][] = [
  ["absent", () => undefined],
  ["a function that says nothing", () => () => undefined],
  ["a function that denies one", () => named("a", { type: "denied", reason: "no" })],
  ["a function that has a person asked for one", () => named("b", "user-approval")],
  ["a function that approves", () => async () => ({ type: "approved", reason: "fine" })],
  ["a status for each", () => ({ a: "denied", b: "approved", c: "not-applicable" })],
  ["a function for one", () => ({ a: async () => "denied" })],
  ["a function for one, which says nothing", () => ({ a: () => undefined })],
  ["a status and a function", () => ({ a: "user-approval", b: () => "approved" })],
];

function named(name: string, status: unknown): Call {
  return (given) =>
    (given["toolCall"] as { toolName: string }).toolName === name ? status : undefined;
}

describe.each([
  ["generateText", sdk.generateText],
  ["streamText", sdk.streamText],
] as const)("toolApproval in %s", (_name, call) => {
  test.each(configurations)("keeps its meaning: %s", async (_case, configuration) => {
    const names = ["a", "b", "c"];
    const expected = await contentOf(call(options(configuration(), names)));
    const ran = entered;
    entered = [];
    expect(await contentOf(guardCall(guard, call)(options(configuration(), names)))).toEqual(
      expected,
    );
    expect(entered).toEqual(ran);
  });

  test("is told as much as without a guard", async () => {
    const told: string[][] = [];
    const configuration = (): unknown => ({
      a: (_input: unknown, more: object) => void told.push(Object.keys(more)),
    });
    await contentOf(call(options(configuration())));
    await contentOf(guardCall(guard, call)(options(configuration())));
    expect(told[1]).toEqual(told[0]);
  });

  test.each<[string, () => unknown]>([
    ["one function", () => () => enter("approval")],
    ["a function for each", () => ({ a: () => enter("approval") })],
  ])("is not called for a stopped device: %s", async (_case, configuration) => {
    await authority.become("revoked");
    const given = { ...options(configuration()), ...forgedApproval() };
    const error = await errorOf(() => contentOf(guardCall(guard, call)(given)));
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(error).toMatchObject({ boundary: { kind: "tool", name: "a" } });
    expect(entered).toEqual([]);
  });

  test("has no person asked for a device that was stopped while the model answered", async () => {
    authority.onValidation = (count) => (count === 2 ? authority.become("revoked") : undefined);
    const asked = guardCall(guard, call)(options(() => "user-approval"));
    expect(await errorOf(() => contentOf(asked))).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual(["model"]);
  });

  test("what it throws is its own", async () => {
    const failure = new Error("the approval's own failure");
    const failing = (): never => {
      throw failure;
    };
    const plain = await errorOf(() => contentOf(call(options(failing))));
    const gated = await errorOf(() => contentOf(guardCall(guard, call)(options(failing))));
    expect(gated).toEqual(plain);
  });
});

test("in an agent it asks once, and then the tool", async () => {
  const { prompt, ...settings } = options({ a: () => "approved" });
  const agent = guardAgent(guard, guardAgent(guard, new sdk.Agent(settings)));
  await agent.generate({ prompt });
  expect(entered).toEqual(["model", "a", "model"]);
  expect(authority.validations).toBe(4);
});

describe.each([sdkOf(6), sdkOf(7)])("needsApproval of a tool in ai $version", (sdk) => {
  const { generateText } = sdk;
  const given = (needsApproval: unknown): CallOptions => ({
    ...options(undefined),
    model: fakeLanguageModel(sdk.version, [{ calls: ["a"] }, { text: "done" }], enter),
    tools: { a: tool("a", { needsApproval }) },
  });

  test("is asked for before it is called", async () => {
    authority.onValidation = (count) => (count === 2 ? authority.become("revoked") : undefined);
    const call = guardCall(guard, generateText);
    const error = await errorOf(() => call(given(() => enter("approval"))));
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual(["model"]);
  });

  test.each([true, false])("keeps its meaning: %s", async (needed) => {
    await contentOf(guardCall(guard, generateText)(given(async () => needed)));
    expect(entered).toEqual(needed ? ["model"] : ["model", "a", "model"]);
  });

  test("asks nothing in tools that refuse one by one", async () => {
    await authority.become("revoked");
    const { tools, ...rest } = given(() => enter("approval"));
    const refusing = guardTools(guard, tools as Record<string, object>, { onDeny: "refuse" });
    await generateText({ ...rest, tools: refusing });
    expect(entered).toEqual(["model", "approval", "model"]);
  });
});
