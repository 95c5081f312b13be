import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { MachineID } from "../../../src/index.ts";
import { callTool, startScene } from "./scene.ts";
import type { McpScene } from "./scene.ts";

let authority: Authority;
let machineid: MachineID;
let scene: McpScene;

beforeAll(async () => {
  authority = createAuthority({ store: await sqliteStore(":memory:") });
  const { ownerKey = "" } = await authority.bootstrap({ plan: 50 });
  const { url } = await authority.listen();
  machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
  scene = await startScene(machineid);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await authority.close();
});

const YES = { action: "accept", content: { consent: true } } as const;

describe("restoring and removing", () => {
  const tools = ["unrevoke_device", "remove_device"] as const;

  const revokedDevice = async (deviceId: string): Promise<string> => {
    await machineid.register(deviceId);
    await machineid.revoke(deviceId);
    return deviceId;
  };
  const isStillRevoked = async (deviceId: string): Promise<boolean> =>
    "code" in (await machineid.validate(deviceId)) &&
    (await machineid.validate(deviceId)).code === "DEVICE_REVOKED";

  test.each(tools)("%s is refused where nobody can be asked", async (tool) => {
    const deviceId = await revokedDevice(`alone:${tool}`);
    const refused = await scene.call(tool, { deviceId });
    expect(refused).toMatchObject({ isError: true });
    expect(refused.text).toMatch(/^CONSENT_UNAVAILABLE: /);
    expect(await isStillRevoked(deviceId)).toBe(true);
  });

  test.each([
    ["declines", { action: "decline" }],
    ["cancels", { action: "cancel" }],
    ["accepts without a yes", { action: "accept", content: { consent: false } }],
    ["accepts with something else than a yes", { action: "accept", content: { consent: "true" } }],
    ["accepts without content", { action: "accept" }],
  ] as const)("are refused when a person %s", async (_what, person) => {
    await using asking = await startScene(machineid, { person });
    for (const tool of tools) {
      const deviceId = await revokedDevice(`refused:${tool}`);
      const refused = await asking.call(tool, { deviceId });
      expect(refused).toMatchObject({ isError: true, text: expect.stringMatching(/^CONSENT_/) });
      expect(await isStillRevoked(deviceId)).toBe(true);
    }
  });

  test("are refused when a client claims that it can ask, and cannot", async () => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "liar", version: "1" });
    client.registerCapabilities({ elicitation: { form: {} } });
    await Promise.all([createMachineIDServer(machineid).connect(far), client.connect(near)]);
    for (const tool of tools) {
      const deviceId = await revokedDevice(`lied:${tool}`);
      expect((await callTool(client, tool, { deviceId })).text).toMatch(/^CONSENT_UNAVAILABLE: /);
      expect(await isStillRevoked(deviceId)).toBe(true);
    }
    await client.close();
  });

  test("are not done for a yes that comes after the call was cancelled", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<typeof YES>();
    await using asking = await startScene(machineid, {
      person: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const deviceId = await revokedDevice("too-late-1");
    const cancel = new AbortController();
    const params = { name: "unrevoke_device", arguments: { deviceId } };
    const call = asking.client.callTool(params, undefined, { signal: cancel.signal });
    call.catch(() => undefined);
    await asked.promise;
    cancel.abort();
    await expect(call).rejects.toThrow(/abort/i);
    answer.resolve(YES);
    await asking.client.ping();
    expect(await isStillRevoked(deviceId)).toBe(true);
  });

  test("are refused when asking fails", async () => {
    const person = (): Promise<never> => Promise.reject(new Error("the dialog crashed"));
    await using asking = await startScene(machineid, { person });
    for (const tool of tools) {
      const deviceId = await revokedDevice(`crashed:${tool}`);
      expect((await asking.call(tool, { deviceId })).text).toMatch(/^CONSENT_UNAVAILABLE: /);
      expect(await isStillRevoked(deviceId)).toBe(true);
    }
  });

  test("are done when a person says yes, who was told which device", async () => {
    await using asking = await startScene(machineid, { person: YES });
    const deviceId = await revokedDevice('yes"\u202e1');
    expect((await asking.call("unrevoke_device", { deviceId })).structured).toEqual({
      deviceId,
      changed: true,
      pending: false,
    });
    expect((await asking.call("remove_device", { deviceId })).structured).toMatchObject({
      changed: true,
    });
    expect(asking.questions).toHaveLength(2);
    expect(asking.questions[0]).toContain(String.raw`"yes\"\u{202e}1"`);
    expect(await machineid.validate(deviceId)).toMatchObject({ code: "DEVICE_NOT_REGISTERED" });
  });

  test("ask nobody when the operator allowed restores", async () => {
    await using trusted = await startScene(machineid, { allowRestores: true, person: YES });
    const deviceId = await revokedDevice("trusted-1");
    expect(await trusted.call("unrevoke_device", { deviceId })).toMatchObject({ isError: false });
    expect(await trusted.call("remove_device", { deviceId })).toMatchObject({ isError: false });
    expect(trusted.questions).toEqual([]);
  });

  test("a yes is for one call", async () => {
    let answers = 0;
    const person = async (): Promise<{ action: "accept"; content: { consent: boolean } }> => ({
      action: "accept",
      content: { consent: (answers += 1) === 1 },
    });
    await using asking = await startScene(machineid, { person });
    const deviceId = await revokedDevice("once-1");
    expect(await asking.call("unrevoke_device", { deviceId })).toMatchObject({ isError: false });
    await machineid.revoke(deviceId);
    expect(await asking.call("unrevoke_device", { deviceId })).toMatchObject({ isError: true });
    expect(await isStillRevoked(deviceId)).toBe(true);
  });
});

describe("a stop that comes while a person thinks", () => {
  test.each([
    ["unrevoke_device", (deviceId: string) => ({ deviceId })],
    ["unrevoke_devices", (deviceId: string) => ({ deviceIds: [deviceId] })],
  ])("is not undone by %s", async (tool, inputOf) => {
    const deviceId = `thinking:${tool}`;
    await machineid.register(deviceId);
    await machineid.revoke(deviceId);
    await using asking = await startScene(machineid, {
      person: async () => {
        await machineid.unrevoke(deviceId);
        await machineid.revoke(deviceId);
        return YES;
      },
    });
    expect(await asking.call(tool, inputOf(deviceId))).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^CONFLICT: .*nothing was restored/),
    });
    expect(await machineid.validate(deviceId)).toMatchObject({ code: "DEVICE_REVOKED" });
  });

  test("is not undone by resume_org", async () => {
    await machineid.org.stop();
    await using asking = await startScene(machineid, {
      person: async () => {
        await machineid.org.resume();
        await machineid.org.stop();
        return YES;
      },
    });
    expect((await asking.call("resume_org")).text).toMatch(/^CONFLICT: /);
    expect(await machineid.org.read()).toMatchObject({ stopped: true });
    await machineid.org.resume();
  });
});

test("where an org demands two keys, one yes changes nothing yet, and says so", async () => {
  const deviceIds = ["two-keys-1", "two-keys-2"];
  for (const deviceId of deviceIds) await machineid.register(deviceId);
  await machineid.revokeBatch(deviceIds);
  await machineid.org.stop();
  await machineid.org.setPolicy({ twoPersonRestore: true });
  await using asking = await startScene(machineid, { person: YES });
  expect((await asking.call("resume_org")).structured).toEqual({
    stopped: true,
    changed: false,
    pending: true,
  });
  const [deviceId = ""] = deviceIds;
  expect((await asking.call("unrevoke_device", { deviceId })).structured).toEqual({
    deviceId,
    changed: false,
    pending: true,
  });
  expect((await asking.call("unrevoke_devices", { deviceIds })).structured).toEqual({
    results: deviceIds.map((id) => ({ deviceId: id, found: true, changed: false, pending: true })),
  });
  expect(await machineid.org.read()).toMatchObject({ stopped: true });
});
