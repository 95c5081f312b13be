import { expect, test } from "vitest";
import { createGuard, ExecutionDeniedError } from "../../src/index.ts";
import type { GuardEvent } from "../../src/index.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool" } as const;

const reason = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a run that was denied stays denied, and asks no more", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "agent-01" });
  const run = guard.run();
  await run.check({ kind: "tool", name: "first" });
  await authority.become("revoked");
  const denied = await reason(run.check({ kind: "tool", name: "second" }));
  expect(denied).toBeInstanceOf(ExecutionDeniedError);
  await authority.become("allow");
  await expect(run.check(TOOL)).rejects.toBe(denied);
  await expect(run.protect(TOOL, () => "ran")).rejects.toBe(denied);
  expect(authority.validations).toBe(2);
  expect(run.stopped).toBe(denied);
  await expect(guard.run().check(TOOL)).resolves.toMatchObject({ allowed: true });
});

test("the denial aborts the run's signal, and what runs under it sees why", async () => {
  await using authority = await startScriptedAuthority();
  const run = createGuard(authority.client(), { deviceId: "a" }).run();
  let seen: unknown;
  await run.protect(TOOL, async (signal) => {
    await authority.become("revoked");
    const aborted = new Promise((resolve) => {
      signal.addEventListener("abort", resolve, { once: true });
    });
    await reason(run.check(TOOL));
    await aborted;
    seen = signal.reason;
  });
  expect(seen).toBe(run.stopped);
  expect(seen).toMatchObject({ code: "DEVICE_REVOKED" });
});

test("a check that was allowed while another was denied does not pass", async () => {
  await using authority = await startScriptedAuthority();
  const run = createGuard(authority.client(), { deviceId: "a", register: false }).run();
  let denied: Promise<unknown> | undefined;
  let entered = 0;
  authority.onValidation = async (count) => {
    if (count > 1) return;
    // Another branch of the run asks and is denied while this one's allow is on its way.
    await authority.become("revoked");
    denied = reason(run.check(TOOL));
    await denied;
    await authority.become("allow");
  };
  const allowed = await reason(run.protect(TOOL, () => (entered += 1)));
  expect(allowed).toBe(await denied);
  expect(entered).toBe(0);
});

test("an outage is latched for its run, and does not end the guard", async () => {
  await using authority = await startScriptedAuthority("error");
  const guard = createGuard(authority.client(), {
    deviceId: "a",
    register: false,
  });
  const run = guard.run();
  const outage = await reason(run.check(TOOL));
  expect(guard.status).toBe("blind");
  await authority.become("allow");
  await expect(run.check(TOOL)).rejects.toBe(outage);
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  expect(guard.status).toBe("armed");
});

test("the events of a stopped run say so", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const events: GuardEvent[] = [];
  const guard = createGuard(authority.client(), {
    deviceId: "a",
    register: false,
    onEvent: (event) => events.push(event),
  });
  const run = guard.run();
  await reason(run.check(TOOL));
  await reason(run.check(TOOL));
  const seen = events.map((event) => [
    event.type,
    "code" in event ? event.code : "to" in event && event.to,
  ]);
  expect(seen).toEqual([
    ["status", "stopped"],
    ["stop", "DEVICE_REVOKED"],
    ["check", "DEVICE_REVOKED"],
    ["check", "RUN_STOPPED"],
  ]);
});

test("a caller's abort ends the check with the caller's reason and latches nothing", async () => {
  await using authority = await startScriptedAuthority();
  const run = createGuard(authority.client(), { deviceId: "a" }).run();
  const signal = AbortSignal.abort("enough");
  await expect(run.check(TOOL, { signal })).rejects.toBe("enough");
  await expect(run.protect(TOOL, () => "ran", { signal })).rejects.toBe("enough");
  expect(authority.requests).toEqual([]);
  await expect(run.check(TOOL)).resolves.toMatchObject({ allowed: true });
});

test("a run under a signal ends with it", async () => {
  await using authority = await startScriptedAuthority();
  const controller = new AbortController();
  const run = createGuard(authority.client(), { deviceId: "a" }).run({
    signal: controller.signal,
  });
  await run.check(TOOL);
  controller.abort("enough");
  expect(run.signal.reason).toBe("enough");
  await expect(run.check(TOOL)).rejects.toBe("enough");
  expect(authority.validations).toBe(1);
});

test("a closed guard denies, checks under way included", async () => {
  await using authority = await startScriptedAuthority("hang");
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  authority.onValidation = () => guard.close();
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "GUARD_CLOSED" });
  await expect(guard.protect(TOOL, () => "ran")).rejects.toMatchObject({ code: "GUARD_CLOSED" });
  expect(guard.status).toBe("closed");
  expect(authority.validations).toBe(1);
});

test("closing ends every check under way, whichever of them have ended before", async () => {
  await using authority = await startScriptedAuthority("hang");
  const options = { deviceId: "a", register: false, checkTimeoutMs: 60_000 };
  const guard = createGuard(authority.client(), options);
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const waiting = controllers.map(({ signal }) => reason(guard.check(TOOL, { signal })));
  for (const index of [0, 3]) {
    controllers[index]?.abort(`left ${index}`);
    expect(await waiting[index]).toBe(`left ${index}`);
  }
  await guard.close();
  for (const index of [1, 2]) expect(await waiting[index]).toMatchObject({ code: "GUARD_CLOSED" });
});

test("a check that waits ends when its run is stopped, and that of another run waits on", async () => {
  await using authority = await startScriptedAuthority("hang");
  const options = { deviceId: "a", register: false, checkTimeoutMs: 60_000 };
  const guard = createGuard(authority.client(), options);
  const run = guard.run();
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  authority.onValidation = (count) => {
    asked[count - 1]?.resolve();
    // It is the third that is answered so.
    return count > 2 ? authority.become("nonsense") : undefined;
  };
  const waiting = reason(run.check(TOOL));
  await asked[0]?.promise;
  const other = reason(guard.check(TOOL));
  await asked[1]?.promise;
  const stopped = await reason(run.check(TOOL));
  expect(stopped).toMatchObject({ code: "AUTHORITY_MALFORMED" });
  expect(await waiting).toBe(stopped);
  await guard.close();
  expect(await other).toMatchObject({ code: "GUARD_CLOSED" });
});

test("a registration that is refused denies, and does not ask further", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const guard = createGuard(authority.client(), { deviceId: "a" });
  await expect(guard.start()).rejects.toMatchObject({
    name: "ExecutionDeniedError",
    code: "DEVICE_REVOKED",
    boundary: { kind: "startup" },
  });
  expect(authority.validations).toBe(0);
});

test("a listener that closes the guard, and throws what cannot be printed, stops nothing of this", async () => {
  await using authority = await startScriptedAuthority();
  const circle: Record<string, unknown> = { big: 1n };
  circle["self"] = circle;
  const guard = createGuard(authority.client(), {
    deviceId: "a",
    register: false,
    onEvent: () => {
      throw circle;
    },
  });
  const run = guard.run();
  await expect(run.protect(TOOL, () => "ran")).resolves.toBe("ran");
  await authority.become("revoked");
  await expect(run.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  expect(run.signal.reason).toBe(run.stopped);
  await guard.close();
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "GUARD_CLOSED" });
});

test("a name that is no text gets in the way of no refusal", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  for (const name of [null, 7, {}, Symbol("name"), undefined]) {
    const run = guard.run();
    const boundary = { kind: "tool", name } as unknown as typeof TOOL;
    const denied = await reason(run.check(boundary));
    expect(denied).toMatchObject({ code: "DEVICE_REVOKED" });
    expect(run.stopped).toBe(denied);
  }
  for (const nonsense of [undefined, null, {}, { kind: "thought" }]) {
    const run = guard.run();
    const boundary = nonsense as unknown as typeof TOOL;
    await expect(run.protect(boundary, () => "ran")).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
  }
});

test("a registration that was refused before a check arrived does not refuse it", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const guard = createGuard(authority.client(), { deviceId: "a" });
  let second: Promise<unknown> | undefined;
  authority.onRegistration = async (count) => {
    if (count > 1) return authority.become("allow");
    second = guard.check(TOOL);
    return undefined;
  };
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await expect(second).resolves.toMatchObject({ allowed: true });
});
