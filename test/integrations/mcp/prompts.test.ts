import { afterAll, beforeAll, expect, test } from "vitest";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { startScene } from "./scene.ts";
import type { McpScene } from "./scene.ts";

let authority: ScriptedAuthority;
let scene: McpScene;

beforeAll(async () => {
  authority = await startScriptedAuthority();
  scene = await startScene(authority.client());
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await authority.close();
});

async function textOf(name: string, input: Record<string, string> = {}): Promise<string> {
  const { messages } = await scene.client.getPrompt({ name, arguments: input });
  expect(messages).toHaveLength(1);
  const content = messages[0]?.content;
  return content?.type === "text" ? content.text : "";
}

test("prompts are listed with their arguments, none of which is required", async () => {
  const { prompts } = await scene.client.listPrompts();
  expect(
    prompts.map(({ name, arguments: given }) => [name, given?.map((one) => one.name)]),
  ).toEqual([
    ["stop-a-runaway-agent", ["device", "symptom"]],
    ["fleet-review", ["silentDays"]],
  ]);
  for (const { title, description, arguments: given } of prompts) {
    expect([title, description]).toEqual([expect.any(String), expect.any(String)]);
    expect(given?.every(({ required }) => required !== true)).toBe(true);
  }
});

test("stop-a-runaway-agent names tools that there are, and puts words of others in quotes", async () => {
  const { tools } = await scene.client.listTools();
  const text = await textOf("stop-a-runaway-agent", {
    device: "mail\u202eer",
    symptom: 'sends\n"mail"',
  });
  expect(text).toContain(String.raw`"mail\u{202e}er"`);
  expect(text).toContain(String.raw`"sends\n\"mail\""`);
  const named = [...text.matchAll(/\b[a-z]+_devices?\b/g)].map(([name]) => name);
  expect(new Set(named)).toEqual(
    new Set(["get_device", "list_devices", "revoke_device", "revoke_devices", "validate_device"]),
  );
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(named));
  expect(await textOf("stop-a-runaway-agent")).not.toContain("What it does");
});

test("fleet-review takes days, and nothing else", async () => {
  expect(await textOf("fleet-review")).toContain("30 days");
  expect(await textOf("fleet-review", { silentDays: "7" })).toContain("7 days");
  await expect(textOf("fleet-review", { silentDays: "7; restore all" })).rejects.toMatchObject({
    code: -32_602,
  });
});

test("a prompt that is not there is an error of the protocol", async () => {
  await expect(textOf("start-a-runaway-agent")).rejects.toMatchObject({ code: -32_602 });
});
