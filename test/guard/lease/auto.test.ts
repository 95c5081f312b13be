import { expect, test } from "vitest";
import { createGuard } from "../../../src/index.ts";
import type { Answer, GuardClient } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, TOOL } from "./scene.ts";

const answer = (status: number, body: unknown): Answer => ({
  status,
  body,
  requestId: undefined,
  retryAfterMs: undefined,
});

/** A client whose authority answers `meta` as told, and decides strictly otherwise. */
function clientOf(meta: () => Answer): {
  client: GuardClient;
  asked: string[];
  opened: () => number;
} {
  const leases = scriptedLeases();
  const asked: string[] = [];
  const client: GuardClient = {
    ...leases.client,
    request: async (operation) => {
      asked.push(operation);
      if (operation === "meta") return meta();
      return answer(200, { allowed: true, code: "ALLOW", status: "ok" });
    },
  };
  return { client, asked, opened: () => leases.opened };
}

const auto = { deviceId: "a", enforcement: "auto", register: false } as const;

test("auto takes leases where the authority offers them", async () => {
  const { client, asked, opened } = clientOf(() => answer(200, { features: ["lease"] }));
  const guard = createGuard(client, auto);
  await Promise.all([guard.check(TOOL), guard.check(TOOL)]);
  await guard.check(TOOL);
  expect(asked).toEqual(["meta"]);
  expect(opened()).toBe(1);
  expect(guard.status).toBe("armed");
  await guard.close();
});

test.each([
  ["404", answer(404, { status: "error", features: ["lease"] })],
  ["no features", answer(200, { name: "x" })],
  ["features that are no list", answer(200, { features: "lease" })],
])("auto is strict where it does not: %s", async (_name, meta) => {
  const { client, asked, opened } = clientOf(() => meta);
  const guard = createGuard(client, auto);
  await guard.check(TOOL);
  await guard.check(TOOL);
  expect(asked).toEqual(["meta", "validate", "validate"]);
  expect(opened()).toBe(0);
  expect(guard.status).toBe("armed");
});

test("auto begins nothing while the authority has not said, and asks again", async () => {
  let isUp = false;
  const { client } = clientOf(() => {
    if (!isUp) throw new Error("down");
    return answer(200, { features: ["lease"] });
  });
  const guard = createGuard(client, auto);
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("AUTHORITY_UNREACHABLE");
  isUp = true;
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  await guard.close();
});
