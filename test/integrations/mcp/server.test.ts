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
      revoke_devices: "changes, destructive",
      unrevoke_device: "changes, destructive",
      unrevoke_devices: "changes, destructive",
      remove_device: "changes, destructive",
      stop_org: "changes, destructive",
      resume_org: "changes, destructive",
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

describe("failures are results with a code", () => {
  test.each([
    ["list_devices", { revokd: true }],
    ["list_devices", { limit: 0 }],
    ["list_devices", { limit: "10" }],
    ["revoke_device", { deviceId: "a-1", deviceIds: ["a-2"] }],
    ["revoke_device", {}],
    ["revoke_device", { deviceId: ["a-1"] }],
    ["get_usage", { of: "another org" }],
  ])("%s with arguments that it does not have: %j", async (tool, input) => {
    expect(await scene.call(tool, input)).toMatchObject({ isError: true, structured: undefined });
  });

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
