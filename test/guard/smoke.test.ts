import { expect, test } from "vitest";
import { createGuard, ExecutionDeniedError } from "../../src/index.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";

test("a run that was denied stays denied, and asks no more", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "agent-01" });
  const run = guard.run();
  await run.check({ kind: "tool", name: "first" });
  await authority.become("revoked");
  const denied = await run.check({ kind: "tool", name: "second" }).catch((error: unknown) => error);
  expect(denied).toBeInstanceOf(ExecutionDeniedError);
  await authority.become("allow");
  await expect(run.check({ kind: "tool" })).rejects.toBe(denied);
  expect(authority.validations).toBe(2);
  await expect(guard.run().check({ kind: "tool" })).resolves.toMatchObject({ allowed: true });
});
