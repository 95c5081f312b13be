import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { MachineID } from "../../../src/index.ts";
import { startScene } from "./scene.ts";

let authority: Authority;
let machineid: MachineID;

beforeAll(async () => {
  authority = createAuthority({ store: await sqliteStore(":memory:") });
  const { ownerKey = "" } = await authority.bootstrap();
  const { url } = await authority.listen();
  machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
});

afterAll(() => authority.close());

const YES = { action: "accept", content: { consent: true } } as const;

async function register(...deviceIds: string[]): Promise<string[]> {
  for (const deviceId of deviceIds) await machineid.register(deviceId);
  return deviceIds;
}

const codeOf = async (deviceId: string): Promise<unknown> =>
  (await machineid.validate(deviceId)).code;

test("several devices are revoked as one change, and unknown ones keep none from it", async () => {
  const deviceIds = await register("batch-1", "batch-2");
  await machineid.revoke("batch-2");
  await using scene = await startScene(machineid);
  const answer = await scene.call("revoke_devices", {
    deviceIds: [...deviceIds, "batch-none", "batch-1"],
  });
  expect(answer.structured).toEqual({
    results: [
      { deviceId: "batch-1", found: true, changed: true, pending: false },
      { deviceId: "batch-2", found: true, changed: false, pending: false },
      { deviceId: "batch-none", found: false, changed: false, pending: false },
    ],
  });
  expect(await codeOf("batch-1")).toBe("DEVICE_REVOKED");
});

test("restoring several asks once, with every id", async () => {
  const deviceIds = await register("back-1", "back\u202e2");
  await machineid.revokeBatch(deviceIds);
  await using scene = await startScene(machineid, { person: YES });
  const answer = await scene.call("unrevoke_devices", { deviceIds });
  expect(answer).toMatchObject({ isError: false });
  expect(scene.questions).toHaveLength(1);
  expect(scene.questions[0]).toContain(String.raw`2 devices "back-1", "back\u{202e}2"`);
  expect(await codeOf("back-1")).toBe("ALLOW");
});

test.each([
  ["nobody can be asked", undefined],
  ["a person declines", { action: "decline" }],
] as const)("restoring several is refused when %s", async (_what, person) => {
  const deviceIds = await register("held-1", "held-2");
  await machineid.revokeBatch(deviceIds);
  await using scene = await startScene(machineid, person === undefined ? {} : { person });
  const refused = await scene.call("unrevoke_devices", { deviceIds });
  expect(refused).toMatchObject({ isError: true, text: expect.stringMatching(/^CONSENT_/) });
  for (const deviceId of deviceIds) expect(await codeOf(deviceId)).toBe("DEVICE_REVOKED");
});

test("more devices than a person can read are not restored by one yes", async () => {
  await using scene = await startScene(machineid, { person: YES });
  const deviceIds = Array.from({ length: 26 }, (_, index) => `many-${index}`);
  expect(await scene.call("unrevoke_devices", { deviceIds })).toMatchObject({ isError: true });
  expect(scene.questions).toEqual([]);
});

test("a batch that is too large for one request says so, and changes nothing", async () => {
  await register("large-0");
  await using scene = await startScene(machineid);
  const long = "x".repeat(240);
  const deviceIds = ["large-0", ...Array.from({ length: 500 }, (_, index) => `${long}${index}`)];
  const answer = await scene.call("revoke_devices", { deviceIds });
  expect(answer).toMatchObject({
    isError: true,
    text: expect.stringMatching(/^BODY_TOO_LARGE: .*fewer/),
  });
  expect(await codeOf("large-0")).toBe("ALLOW");
});

test.each([[[]], [["ok", ""]], [["a\u0000b"]], ["not-a-list"], [[1]]])(
  "deviceIds %j are refused before anything is done",
  async (deviceIds) => {
    await using scene = await startScene(machineid);
    expect(await scene.call("revoke_devices", { deviceIds })).toMatchObject({ isError: true });
  },
);
