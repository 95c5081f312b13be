import { expect, test } from "vitest";
import { recordingGuard } from "../../src/testing/recording-guard.ts";
import { codeOf, leased, TOOL } from "./lease/scene.ts";

const INNER = { kind: "tool", name: "inner" } as const;

test("work that is handed on begins on the allow it was given, once", async () => {
  const guard = recordingGuard();
  await guard.protect(TOOL, async (_signal, context) => {
    await expect(context.protect(INNER, () => "first")).resolves.toBe("first");
    expect(guard.checks).toHaveLength(1);
    guard.deny();
    expect(await codeOf(context.protect(INNER, () => "second"))).toBe("DEVICE_REVOKED");
  });
});

test("work that is to be asked about strictly begins on no allow that was given before", async () => {
  const guard = recordingGuard();
  await guard.protect(TOOL, async (_signal, context) => {
    guard.deny();
    const inner = context.protect(INNER, () => "ran", { strict: true });
    expect(await codeOf(inner)).toBe("DEVICE_REVOKED");
  });
});

test("an allow whose time is over is not handed on", async () => {
  const { leases, guard, clock } = await leased();
  leases.refuses = true;
  leases.cut();
  await guard.protect(TOOL, async (_signal, context) => {
    clock.pass(10_000);
    expect(await codeOf(context.protect(INNER, () => "ran"))).toBe("LEASE_EXPIRED");
  });
  await guard.close();
});

test("an allow that a stop has discarded is not handed on, though the device is allowed again", async () => {
  const { leases, guard } = await leased();
  await guard.protect(TOOL, async (_signal, context) => {
    leases.stop("a");
    leases.denied.clear();
    leases.push({ type: "allow", version: 3, devices: ["a"] });
    expect(await codeOf(context.protect(INNER, () => "ran"))).toBe("DEVICE_REVOKED");
  });
  await guard.close();
});

test("work that was handed on is named while it goes on after a stop", async () => {
  const { leases, guard } = await leased();
  const ended = Promise.withResolvers<void>();
  const work = guard.protect(TOOL, (_signal, context) => {
    void context.protect(INNER, () => ended.promise);
  });
  await work;
  leases.stop("a");
  expect(guard.undrained).toEqual([INNER]);
  ended.resolve();
  await expect.poll(() => guard.undrained).toEqual([]);
  await guard.close();
});
