import { expect, test } from "vitest";
import { createGuard } from "../../src/index.ts";
import type { GuardClient } from "../../src/index.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool" } as const;

test("checks made in one turn share a request", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  await Promise.all(Array.from({ length: 64 }, () => guard.check(TOOL)));
  expect(authority.validations).toBe(1);
});

test("a check never joins a request that was sent before it", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  let second: Promise<unknown> | undefined;
  authority.onValidation = async (count) => {
    if (count !== 1) return;
    // The first request is on its way and will be allowed; what asks now must not profit from it.
    second = guard.check(TOOL).catch((error: unknown) => error);
    await Promise.resolve();
  };
  await guard.check(TOOL);
  await second;
  expect(authority.validations).toBe(2);
});

test("a revocation between two checks is seen by the second, though the first is still waiting", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  let second: Promise<unknown> | undefined;
  authority.onValidation = async (count) => {
    if (count === 1) {
      second = guard.check(TOOL).catch((error: unknown) => error);
      return second.then(() => undefined);
    }
    return authority.become("revoked").then(() => undefined);
  };
  await guard.check(TOOL).catch((error: unknown) => error);
  expect(await second).toMatchObject({ code: "DEVICE_REVOKED" });
});

test("one caller giving up leaves the others their answer", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  const controller = new AbortController();
  authority.onValidation = () => controller.abort("gone");
  const leaving = guard.check(TOOL, { signal: controller.signal });
  const staying = guard.check(TOOL);
  await expect(leaving).rejects.toBe("gone");
  await expect(staying).resolves.toMatchObject({ allowed: true });
  expect(authority.validations).toBe(1);
});

test("a caller that gives up before its request is sent takes nobody with it", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  const controller = new AbortController();
  const leaving = guard.check(TOOL, { signal: controller.signal });
  controller.abort("gone");
  const staying = guard.check(TOOL);
  await expect(leaving).rejects.toBe("gone");
  await expect(staying).resolves.toMatchObject({ allowed: true });
});

test("a caller that gives up as its registration arrives leaves no request behind", async () => {
  await using authority = await startScriptedAuthority();
  const client = authority.client();
  for (let microtasks = 0; microtasks < 20; microtasks += 1) {
    const controller = new AbortController();
    const underWay: AbortSignal[] = [];
    const request: GuardClient["request"] = async (operation, body, options) => {
      if (operation === "validate" && options?.signal !== undefined) underWay.push(options.signal);
      const answer = await client.request(operation, body, options);
      if (operation === "register") void abortAfter(microtasks, controller);
      return answer;
    };
    const guard = createGuard({ request }, { deviceId: "a" });
    await expect(guard.check(TOOL, { signal: controller.signal })).rejects.toBe("gone");
    await Promise.resolve();
    expect(underWay.map(({ aborted }) => aborted)).not.toContain(false);
  }
});

async function abortAfter(microtasks: number, controller: AbortController): Promise<void> {
  for (let left = microtasks; left > 0; left -= 1) await Promise.resolve();
  controller.abort("gone");
}

test("the device is registered once, however many checks come first", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a" });
  await Promise.all([guard.check(TOOL), guard.check(TOOL), guard.check(TOOL)]);
  await guard.check(TOOL);
  const registrations = authority.requests.filter((path) => path.endsWith("/register"));
  expect(registrations).toHaveLength(1);
});

test("a registration that failed is tried again by the next check", async () => {
  await using authority = await startScriptedAuthority("error");
  const guard = createGuard(authority.client(), { deviceId: "a" });
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_ERROR" });
  await authority.become("allow");
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
});

test("an allow that was asked for before a denial of its device arrived is void, and asked for again", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  let second: Promise<unknown> | undefined;
  authority.onValidation = async (count) => {
    if (count > 1) return authority.become("revoked");
    second = guard.check(TOOL).catch((error: unknown) => error);
    await second;
    return authority.become("allow");
  };
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  expect(await second).toMatchObject({ code: "DEVICE_REVOKED" });
  expect(authority.validations).toBe(3);
});
