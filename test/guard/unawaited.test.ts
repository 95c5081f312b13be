import { once } from "node:events";
import { types } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { createGuard } from "../../src/index.ts";
import type { Guard, Run } from "../../src/index.ts";
import { leased } from "./lease/scene.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool", name: "transfer" } as const;
const stopped = (run: Run): Promise<unknown> => once(run.signal, "abort");

async function withRun(
  use: (run: Run, guard: Guard, authority: ScriptedAuthority) => Promise<void>,
): Promise<void> {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  await use(guard.run(), guard, authority);
}

const warnings: (Error & { code?: string })[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);
process.on("warning", onWarning);
afterEach(() => {
  warnings.length = 0;
});

const careless: [string, (run: Run) => unknown][] = [
  ["a bare call", (run) => void run.check(TOOL)],
  [
    "a synchronous wrapper",
    (run) => {
      const ask = (): Promise<unknown> => run.check(TOOL);
      void ask();
    },
  ],
  ["a denial that is caught and not awaited", (run) => void run.check(TOOL).catch(() => undefined)],
  ["then with a handler of denials alone", (run) => void run.check(TOOL).then(null, () => null)],
  ["finally, not awaited", (run) => void run.check(TOOL).finally(() => undefined)],
  [
    "catch and finally, not awaited",
    (run) =>
      void run
        .check(TOOL)
        .catch(() => undefined)
        .finally(() => undefined),
  ],
];

test.each(careless)("%s stops the run and says so loudly", (_name, ask) =>
  withRun(async (run) => {
    const warned = once(process, "warning");
    const ended = stopped(run);
    ask(run);
    await ended;
    await warned;
    expect(warnings.map(({ code }) => code)).toContain("UNAWAITED_CHECK");
    expect(warnings[0]?.message).toContain('tool "transfer"');
    await expect(run.check(TOOL)).rejects.toMatchObject({ code: "UNAWAITED_CHECK" });
  }),
);

test("a check that is kept and awaited after it settled counts as un-awaited", () =>
  withRun(async (run) => {
    const late = run.check(TOOL);
    await stopped(run);
    await late;
    expect(run.stopped).toMatchObject({ code: "UNAWAITED_CHECK" });
  }));

test("what catch and finally give settles as with any promise", () =>
  withRun(async (run, guard, authority) => {
    const value = await run.check(TOOL).finally(() => undefined);
    expect(value).toMatchObject({ allowed: true });
    await expect(
      run.check(TOOL).finally(() => {
        throw new Error("cleaning up failed");
      }),
    ).rejects.toThrow("cleaning up failed");
    await authority.become("revoked");
    const denied = guard.run();
    await expect(denied.check(TOOL).finally(() => undefined)).rejects.toMatchObject({
      code: "DEVICE_REVOKED",
    });
    await expect(denied.check(TOOL).catch(() => "caught")).resolves.toBe("caught");
  }));

test("an async wrapper that nobody awaits is not seen, as documented", () =>
  withRun(async (run, guard, authority) => {
    const ask = async (): Promise<void> => {
      await run.check(TOOL);
    };
    void ask();
    await guard.check(TOOL);
    await guard.check(TOOL);
    expect(authority.validations).toBeGreaterThanOrEqual(2);
    expect(run.stopped).toBeUndefined();
  }));

const careful: [string, (run: Run) => Promise<unknown>][] = [
  ["await", async (run) => await run.check(TOOL)],
  ["then", (run) => run.check(TOOL).then(() => undefined)],
  ["Promise.all", (run) => Promise.all([run.check(TOOL), run.check(TOOL)])],
  ["Promise.race", (run) => Promise.race([run.check(TOOL), run.check(TOOL)])],
  ["Promise.allSettled", (run) => Promise.allSettled([run.check(TOOL)])],
  ["finally, awaited", (run) => run.check(TOOL).finally(() => undefined)],
  ["catch, awaited", (run) => run.check(TOOL).catch(() => undefined)],
  [
    "catch and finally, awaited",
    async (run) =>
      await run
        .check(TOOL)
        .catch(() => undefined)
        .finally(() => undefined),
  ],
  [
    "catch, raced",
    (run) => Promise.race([run.check(TOOL).catch(() => undefined), new Promise(() => undefined)]),
  ],
  [
    "catch, then",
    (run) =>
      run
        .check(TOOL)
        .catch(() => undefined)
        .then(() => undefined),
  ],
  ["protect", (run) => run.protect(TOOL, () => undefined)],
  ["an async wrapper that is awaited", (run) => (async () => run.check(TOOL))()],
];

test.each(careful)("%s raises no alarm", (_name, ask) =>
  withRun(async (run, guard, authority) => {
    await ask(run);
    // Two more checks take the event loop past the turn in which the alarm would be raised.
    await guard.check(TOOL);
    await guard.check(TOOL);
    expect(run.stopped).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(authority.validations).toBeGreaterThanOrEqual(3);
  }),
);

test("where a runtime has no warnings of its own the console says it", () =>
  withRun(async (run) => {
    const emitWarning: unknown = Reflect.get(process, "emitWarning");
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    try {
      Reflect.set(process, "emitWarning", undefined);
      const ended = stopped(run);
      void run.check(TOOL);
      await ended;
      await new Promise((resolve) => setImmediate(resolve));
      expect(error).toHaveBeenCalledWith(expect.stringContaining("UNAWAITED_CHECK"));
    } finally {
      Reflect.set(process, "emitWarning", emitWarning);
      error.mockRestore();
    }
  }));

test("a check under a lease is a promise like any other, and awaiting it adds no turn", async () => {
  const { guard } = await leased({ checkTimeoutMs: 60_000 });
  const run = guard.run();
  const check = run.check(TOOL);
  expect(types.isPromise(check)).toBe(true);
  expect(check.then((decision) => decision).constructor).toBe(Promise);
  const order: string[] = [];
  const asking = (async () => {
    await run.check(TOOL);
    order.push("check");
  })();
  await Promise.all([asking, Promise.resolve().then(() => order.push("next"))]);
  expect(order).toEqual(["check", "next"]);
  expect(run.stopped).toBeUndefined();
  await guard.close();
});

test.each(careless)("under a lease %s stops the run too", async (_name, ask) => {
  const { guard } = await leased({ checkTimeoutMs: 60_000 });
  const run = guard.run();
  const ended = stopped(run);
  ask(run);
  await ended;
  expect(run.stopped?.code).toBe("UNAWAITED_CHECK");
  await guard.close();
});
