import { expect, test } from "vitest";
import { recordingGuard, startTestAuthority } from "../../src/testing/index.ts";

const TOOL = { kind: "tool", name: "search" } as const;

test("a recording guard decides as told, and remembers what it was asked", async () => {
  const guard = recordingGuard();
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  guard.deny("PLAN_FROZEN");
  await expect(guard.protect(TOOL, () => "ran")).rejects.toMatchObject({
    name: "ExecutionDeniedError",
    code: "PLAN_FROZEN",
  });
  guard.fail();
  await expect(guard.check(TOOL)).rejects.toMatchObject({ name: "AuthorityUnavailableError" });
  guard.allow();
  await guard.check(TOOL);
  expect(guard.checks.map(({ boundary, outcome }) => [boundary, outcome])).toEqual([
    [TOOL, "allowed"],
    [TOOL, "denied"],
    [TOOL, "unavailable"],
    [TOOL, "allowed"],
  ]);
  expect(guard.status).toBe("armed");
});

test("a test authority registers, revokes and restores for real", async () => {
  await using authority = await startTestAuthority({ limit: 1 });
  const guard = authority.guard("agent-01");
  const run = guard.run();
  await run.check(TOOL);
  await authority.client.revoke("agent-01");
  await expect(run.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await authority.client.unrevoke("agent-01");
  await expect(run.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  await expect(authority.guard("agent-02").check(TOOL)).rejects.toMatchObject({
    code: "DEVICE_LIMIT_REACHED",
  });
});
