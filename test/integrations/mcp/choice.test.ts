import { expect, test } from "vitest";
import { createMachineIDServer, MACHINEID_TOOLS } from "../../../integrations/mcp/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import { startScene } from "./scene.ts";

test("tools offers those named and no others, and no others can be called", async () => {
  await using authority = await startScriptedAuthority();
  await using scene = await startScene(authority.client(), {
    tools: ["revoke_device", "list_devices"],
  });
  const { tools } = await scene.client.listTools();
  expect(tools.map(({ name }) => name).toSorted()).toEqual(["list_devices", "revoke_device"]);
  const refused = await scene.call("register_device", { deviceId: "a-1" });
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining("not found") });
  expect(authority.requests.filter((path) => path.includes("register"))).toEqual([]);
});

test.each([
  [{ tools: ["revoke_device", "restore_everything"] }, /There is no tool "restore_everything"/],
  [{ tools: ["toString"] }, /There is no tool/],
  [{ tools: [] }, /No tool is named/],
  [{ tools: ["list_devices", "revoke_device"], readOnly: true }, /revoke_device changes something/],
  [{ pollIntervalMs: 0 }, /pollIntervalMs/],
  [{ pollIntervalMs: Number.NaN }, /pollIntervalMs/],
])("%j is refused", async (options, message) => {
  await using authority = await startScriptedAuthority();
  const create = (): unknown => createMachineIDServer(authority.client(), options as object);
  expect(create).toThrow(message);
  expect(create).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

test("prompts are offered with the tools that they name", async () => {
  await using authority = await startScriptedAuthority();
  await using reading = await startScene(authority.client(), { readOnly: true });
  const { prompts } = await reading.client.listPrompts();
  expect(prompts.map(({ name }) => name)).toEqual(["fleet-review"]);
  expect(reading.client.getInstructions()).not.toContain("revoke first");
  await using some = await startScene(authority.client(), {
    tools: ["list_devices", "revoke_device"],
  });
  expect(some.client.getServerCapabilities()?.prompts).toBeUndefined();
  expect(some.client.getInstructions()).toContain("revoke first");
});

test("every tool has a name that the page about them has", async () => {
  const { readFileSync } = await import("node:fs");
  const page = readFileSync(new URL("../../../docs/integrations/mcp.md", import.meta.url), "utf8");
  expect(MACHINEID_TOOLS.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});
