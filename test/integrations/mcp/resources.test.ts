import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { MachineID } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import { startScene } from "./scene.ts";
import type { McpScene } from "./scene.ts";

let authority: Authority;
let machineid: MachineID;
let scene: McpScene;

beforeAll(async () => {
  authority = createAuthority({ store: await sqliteStore(":memory:") });
  const { ownerKey = "" } = await authority.bootstrap({ plan: 500 });
  const { url } = await authority.listen();
  machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
  scene = await startScene(machineid);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await authority.close();
});

async function readJson(uri: string): Promise<Record<string, unknown>> {
  const { contents } = await scene.client.readResource({ uri });
  expect(contents).toEqual([{ uri, mimeType: "application/json", text: expect.any(String) }]);
  return JSON.parse((contents[0] as { text: string }).text) as Record<string, unknown>;
}

describe("resources", () => {
  test("are listed and described, and devices are a template", async () => {
    const { resources } = await scene.client.listResources();
    const { resourceTemplates } = await scene.client.listResourceTemplates();
    expect(resources.map(({ uri }) => uri)).toEqual(["machineid://devices", "machineid://usage"]);
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      "machineid://devices/{id}",
    ]);
    for (const resource of [...resources, ...resourceTemplates]) {
      expect(resource).toMatchObject({
        title: expect.any(String),
        description: expect.any(String),
        mimeType: "application/json",
      });
    }
    expect(scene.client.getServerCapabilities()?.resources).toMatchObject({ subscribe: true });
  });

  test("hold the devices, each with the URI that reads it, and the usage", async () => {
    await machineid.register("read-1");
    await machineid.revoke("read-1");
    const all = await readJson("machineid://devices");
    const devices = all["devices"] as { deviceId: string; uri: string }[];
    expect(all["total"]).toBe(devices.length);
    const device = devices.find(({ deviceId }) => deviceId === "read-1");
    expect(device).toMatchObject({ revoked: true, revokedAt: expect.any(String) });
    expect(await readJson(device?.uri ?? "")).toMatchObject({ deviceId: "read-1", revoked: true });
    expect(await readJson("machineid://usage")).toMatchObject({ planTier: "custom", limit: 500 });
  });

  test.each([
    "worker:prod:mailer:07",
    "a/b",
    "a?b#c",
    "a b",
    "a,b",
    "100%",
    "%41",
    "ünï/\u{1f916}",
    "..a",
    '"{id}"',
  ])("a device of any id is read by its encoded URI: %j", async (deviceId) => {
    await machineid.register(deviceId);
    const { devices } = (await readJson("machineid://devices")) as {
      devices: { deviceId: string; uri: string }[];
    };
    const uri = devices.find((device) => device.deviceId === deviceId)?.uri ?? "";
    expect(uri).toBe(`machineid://devices/${encodeURIComponent(deviceId)}`);
    const { contents } = await scene.client.readResource({ uri });
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({ deviceId });
  });

  test("a colon needs no encoding", async () => {
    await machineid.register("plain:colon");
    expect(await readJson("machineid://devices/plain:colon")).toMatchObject({
      deviceId: "plain:colon",
    });
  });

  test.each([
    "machineid://devices/nobody",
    "machineid://devices/%E0%A4%A",
    "machineid://devices/a/b/c",
    "machineid://keys",
    "file:///etc/passwd",
    "not a uri",
    `machineid://devices/${"x".repeat(300)}`,
  ])("%s is an error of the protocol", async (uri) => {
    await expect(scene.client.readResource({ uri })).rejects.toMatchObject({
      code: expect.any(Number),
    });
    await expect(scene.client.subscribeResource({ uri })).rejects.toMatchObject({
      code: expect.any(Number),
    });
  });

  test("a device that is not there is named by the protocol's own code", async () => {
    const uri = "machineid://devices/nobody";
    await expect(scene.client.readResource({ uri })).rejects.toMatchObject({ code: -32_002 });
  });
});

describe("completion", () => {
  const complete = async (
    ref: { type: "ref/resource"; uri: string } | { type: "ref/prompt"; name: string },
    name: string,
    value: string,
  ): Promise<readonly string[]> =>
    (await scene.client.complete({ ref, argument: { name, value } })).completion.values;

  test("suggests device ids, those that begin so first", async () => {
    await machineid.register("x:complete:1");
    await machineid.register("complete:2/ü");
    const resource = { type: "ref/resource", uri: "machineid://devices/{id}" } as const;
    expect(await complete(resource, "id", "complete:")).toEqual(["complete:2/ü", "x:complete:1"]);
    expect(await complete(resource, "id", "no such")).toEqual([]);
    const prompt = { type: "ref/prompt", name: "stop-a-runaway-agent" } as const;
    expect(await complete(prompt, "device", "complete:2")).toEqual(["complete:2/ü"]);
  });
});

describe("an authority that fails", () => {
  test.each(["down", "nonsense", "error"] as const)("%s", async (mode) => {
    await using broken = await startScriptedAuthority(mode);
    await using blind = await startScene(broken.client());
    const failed = { message: expect.stringMatching(/AUTHORITY_|INTERNAL_ERROR/), code: -32_603 };
    for (const uri of ["machineid://devices", "machineid://usage", "machineid://devices/a"]) {
      await expect(blind.client.readResource({ uri })).rejects.toMatchObject(failed);
      await expect(blind.client.subscribeResource({ uri })).rejects.toMatchObject(failed);
    }
    const ref = { type: "ref/resource", uri: "machineid://devices/{id}" } as const;
    const argument = { name: "id", value: "a" };
    await expect(blind.client.complete({ ref, argument })).rejects.toMatchObject(failed);
  });
});
