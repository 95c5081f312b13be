import { expect, test } from "vitest";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import { MachineID } from "../../../src/index.ts";
import type { GuardClient } from "../../../src/index.ts";
import { startScene } from "./scene.ts";
import type { SceneOptions } from "./scene.ts";

const YES = { action: "accept", content: { consent: true } } as const;

/** An authority's client that has the extension, or has not. */
function orgClient(features: unknown): { client: GuardClient; asked: unknown[]; stopped: boolean } {
  const state = {
    stopped: false,
    asked: [] as unknown[],
    client: {
      request: async (operation, body) => {
        if (operation !== "meta") state.asked.push([operation, body]);
        if (operation === "stopOrg") state.stopped = true;
        if (operation === "resumeOrg") state.stopped = false;
        const status = operation === "meta" && features === undefined ? 404 : 200;
        const answer = operation === "meta" ? { features } : { status: "ok", changed: true };
        return { status, body: answer, requestId: undefined, retryAfterMs: undefined };
      },
    } satisfies GuardClient,
  };
  return state;
}

const toolNames = async (options: SceneOptions, features: unknown): Promise<string[]> => {
  await using scene = await startScene(orgClient(features).client, options);
  return (await scene.client.listTools()).tools.map(({ name }) => name);
};

test("the org's tools are there where the authority has the feature", async () => {
  const names = await toolNames({}, ["lease", "org_stop"]);
  expect(names).toEqual(expect.arrayContaining(["stop_org", "resume_org"]));
});

test.each([undefined, [], ["lease"], "org_stop", [1]])(
  "they are not there where its features are %j",
  async (features) => {
    const names = await toolNames({}, features);
    expect(names).not.toContain("stop_org");
    expect(names).not.toContain("resume_org");
    expect(names).toContain("revoke_device");
  },
);

test("they are not there under readOnly, or when others were chosen", async () => {
  expect(await toolNames({ readOnly: true }, ["org_stop"])).not.toContain("stop_org");
  expect(await toolNames({ tools: ["get_usage"] }, ["org_stop"])).toEqual(["get_usage"]);
  expect(await toolNames({ tools: ["stop_org"] }, ["org_stop"])).toEqual(["stop_org"]);
});

test("a tool that is not offered cannot be called", async () => {
  const org = orgClient([]);
  await using scene = await startScene(org.client);
  expect(await scene.call("stop_org", { reason: "test" })).toMatchObject({ isError: true });
  expect(org.asked).toEqual([]);
});

test("stopping needs no consent and gives the reason; resuming needs a person", async () => {
  const org = orgClient(["org_stop"]);
  await using alone = await startScene(org.client);
  expect((await alone.call("stop_org", { reason: " all mad " })).structured).toEqual({
    stopped: true,
    changed: true,
  });
  expect(org.asked).toEqual([["stopOrg", { reason: "all mad" }]]);
  expect((await alone.call("resume_org")).text).toMatch(/^CONSENT_UNAVAILABLE/);
  expect(org.stopped).toBe(true);

  await using attended = await startScene(org.client, { person: YES });
  expect((await attended.call("resume_org")).structured).toEqual({
    stopped: false,
    changed: true,
    pending: false,
  });
  expect(attended.questions).toEqual([expect.stringContaining("every device of the org")]);
  expect(org.stopped).toBe(false);
});

test("an authority that has it stops every device, and resumes with a person's yes", async () => {
  const authority = createAuthority({ store: await sqliteStore(":memory:") });
  try {
    const { ownerKey = "" } = await authority.bootstrap();
    const { url } = await authority.listen();
    const machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
    await machineid.register("org-1");
    await using attended = await startScene(machineid, { person: YES });
    const stopped = await attended.call("stop_org", { reason: "runaway fleet" });
    expect(stopped.structured).toEqual({ stopped: true, changed: true });
    expect(
      (await attended.call("validate_device", { deviceId: "org-1" })).structured,
    ).toMatchObject({ allowed: false, code: "ORG_DISABLED" });
    const resumed = await attended.call("resume_org");
    expect(resumed.structured).toEqual({ stopped: false, changed: true, pending: false });
    expect(await machineid.validate("org-1")).toMatchObject({ allowed: true });
  } finally {
    await authority.close();
  }
});

test("stopping without a reason is refused", async () => {
  const org = orgClient(["org_stop"]);
  await using scene = await startScene(org.client);
  expect(await scene.call("stop_org")).toMatchObject({ isError: true });
  expect(await scene.call("stop_org", { reason: " " })).toMatchObject({ isError: true });
  expect(org.asked).toEqual([]);
});
