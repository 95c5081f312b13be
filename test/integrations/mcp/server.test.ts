import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MachineID } from "../../../src/index.ts";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { startScene } from "./scene.ts";
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

describe("the tools", () => {
  test("are these, described, with schemas and hints", async () => {
    const { tools } = await scene.client.listTools();
    const hints = Object.fromEntries(
      tools.map(({ name, annotations }) => [
        name,
        `${annotations?.readOnlyHint === true ? "reads" : "changes"}${annotations?.destructiveHint === true ? ", destructive" : ""}`,
      ]),
    );
    expect(hints).toEqual({
      validate_device: "reads",
      list_devices: "reads",
      get_device: "reads",
      get_usage: "reads",
      register_device: "changes",
      revoke_device: "changes, destructive",
      unrevoke_device: "changes, destructive",
      remove_device: "changes, destructive",
    });
    for (const tool of tools) {
      expect(tool.title).toEqual(expect.any(String));
      expect(tool.description?.length).toBeGreaterThan(60);
      expect(tool.inputSchema.type).toBe("object");
      expect(tool.outputSchema?.type).toBe("object");
      expect(tool.annotations).toMatchObject({ idempotentHint: true, openWorldHint: false });
    }
  });

  test("readOnly leaves out those that change something", async () => {
    await using reading = await startScene(machineid, { readOnly: true });
    const { tools } = await reading.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "validate_device",
      "list_devices",
      "get_device",
      "get_usage",
    ]);
    await machineid.register("reading-1");
    expect(await reading.call("revoke_device", { deviceId: "reading-1" })).toMatchObject({
      isError: true,
    });
    expect(await machineid.validate("reading-1")).toMatchObject({ allowed: true });
  });
});

describe("a device's life", () => {
  test("registered, allowed, revoked, denied", async () => {
    const deviceId = "life-1";
    expect((await scene.call("register_device", { deviceId })).structured).toMatchObject({
      deviceId,
      isNew: true,
      limit: 50,
    });
    expect((await scene.call("register_device", { deviceId })).structured).toMatchObject({
      isNew: false,
    });
    expect((await scene.call("validate_device", { deviceId })).structured).toMatchObject({
      allowed: true,
      code: "ALLOW",
    });
    expect((await scene.call("revoke_device", { deviceId })).structured).toEqual({
      deviceId,
      changed: true,
    });
    const denied = await scene.call("validate_device", { deviceId });
    expect(denied).toMatchObject({
      isError: false,
      structured: { allowed: false, code: "DEVICE_REVOKED", requestId: expect.any(String) },
    });
    expect(JSON.parse(denied.text)).toEqual(denied.structured);
    expect((await scene.call("get_device", { deviceId })).structured).toMatchObject({
      deviceId,
      revoked: true,
      revokedAt: expect.any(String),
    });
  });

  test("registering does not restore, and says why", async () => {
    await machineid.register("life-2");
    await machineid.revoke("life-2");
    const refused = await scene.call("register_device", { deviceId: "life-2" });
    expect(refused).toMatchObject({ isError: true, structured: undefined });
    expect(refused.text).toMatch(/^DEVICE_REVOKED: .*request [\w-]{36}/);
  });
});

describe("lists", () => {
  test("are narrowed and paged", async () => {
    for (const number of [1, 2, 3]) await machineid.register(`page-${number}`);
    await machineid.revoke("page-2");
    const all = await scene.call("list_devices", { contains: "page-", limit: 2 });
    expect(all.structured).toMatchObject({
      total: 3,
      devices: [{ deviceId: "page-1" }, { deviceId: "page-2", revoked: true }],
    });
    const rest = await scene.call("list_devices", { contains: "page-", limit: 2, offset: 2 });
    expect(rest.structured).toMatchObject({ total: 3, devices: [{ deviceId: "page-3" }] });
    const revoked = await scene.call("list_devices", { contains: "page-", revoked: true });
    expect(revoked.structured).toMatchObject({ total: 1, devices: [{ deviceId: "page-2" }] });
  });

  test("usage tells the plan", async () => {
    expect((await scene.call("get_usage")).structured).toMatchObject({
      planTier: "custom",
      planState: "active",
      limit: 50,
    });
  });
});

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

describe("failures are results with a code", () => {
  test.each(["get_device", "revoke_device"])("%s of no device", async (tool) => {
    const failed = await scene.call(tool, { deviceId: "nobody" });
    expect(failed).toMatchObject({ isError: true, structured: undefined });
    expect(failed.text).toMatch(/^DEVICE_NOT_FOUND: /);
  });

  test.each(["", "  ", "a\u0000b", "x".repeat(257), "\ud800"])(
    "a device id that cannot be: %j",
    async (deviceId) => {
      expect(await scene.call("validate_device", { deviceId })).toMatchObject({ isError: true });
    },
  );

  test("a tool that does not exist", async () => {
    expect(await scene.call("restore_everything")).toMatchObject({ isError: true });
  });

  test("a full plan", async () => {
    const full = createAuthority({ store: await sqliteStore(":memory:") });
    try {
      const { ownerKey = "" } = await full.bootstrap({ plan: 0 });
      const { url } = await full.listen();
      await using crowded = await startScene(new MachineID({ orgKey: ownerKey, baseUrl: url }));
      const refused = await crowded.call("register_device", { deviceId: "one-too-many" });
      expect(refused.text).toMatch(/^DEVICE_LIMIT_REACHED: /);
    } finally {
      await full.close();
    }
  });
});
