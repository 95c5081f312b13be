import { describe, expect, expectTypeOf, test } from "vitest";
import { guardFunction } from "../../src/index.ts";
import { createGuard, findExecutionStopped } from "../../src/index.ts";
import { recordingGuard } from "../../src/testing/recording-guard.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { Mode } from "../support/scripted-authority.ts";

const PAY = { kind: "side_effect", name: "pay" } as const;

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test.each<Mode>(["revoked", "hang", "nonsense", "error"])(
  "the body is not entered when the authority is %s",
  async (mode) => {
    await using authority = await startScriptedAuthority(mode);
    const guard = createGuard(authority.client(), {
      deviceId: "a",
      register: false,
      checkTimeoutMs: 100,
    });
    let entered = 0;
    const pay = guardFunction(guard, PAY, () => (entered += 1));
    expect(findExecutionStopped(await rejection(pay()))).toMatchObject({ boundary: PAY });
    expect(entered).toBe(0);
  },
);

test("arguments, this, result, failure and name are the function's own", async () => {
  const guard = recordingGuard();
  const account = {
    balance: 10,
    pay: guardFunction(
      guard,
      PAY,
      function pay(this: { balance: number }, sum: number, note?: string) {
        if (sum > this.balance) throw new RangeError("not enough");
        return `${(this.balance -= sum)} ${note ?? "-"}`;
      },
    ),
  };
  expectTypeOf(account.pay).parameters.toEqualTypeOf<[sum: number, note?: string | undefined]>();
  expectTypeOf(account.pay).returns.toEqualTypeOf<Promise<string>>();
  await expect(account.pay(3, "rent")).resolves.toBe("7 rent");
  await expect(account.pay(30)).rejects.toBeInstanceOf(RangeError);
  expect(account.pay.name).toBe("pay");
  const load = guardFunction(guard, PAY, async (id: number) => ({ id }));
  expectTypeOf(load).returns.toEqualTypeOf<Promise<{ id: number }>>();
});

test("each call asks, and each is a run of its own", async () => {
  const guard = recordingGuard();
  const pay = guardFunction(guard, PAY, () => "paid");
  await pay();
  guard.deny();
  await rejection(pay());
  guard.allow();
  await expect(pay()).resolves.toBe("paid");
  expect(guard.checks.map(({ outcome }) => outcome)).toEqual(["allowed", "denied", "allowed"]);
  expect(new Set(guard.checks.map(({ runId }) => runId)).size).toBe(3);
});

test("within a run the calls share its latch", async () => {
  const guard = recordingGuard();
  const pay = guardFunction(guard.run(), PAY, () => "paid");
  guard.deny();
  const denied = await rejection(pay());
  guard.allow();
  expect(await rejection(pay())).toBe(denied);
});

test("guarding twice asks once", async () => {
  const guard = recordingGuard();
  const pay = guardFunction(
    guard,
    PAY,
    guardFunction(guard, PAY, () => "paid"),
  );
  await expect(pay()).resolves.toBe("paid");
  expect(guard.checks).toHaveLength(1);
});

test("guarding with a guard and with a run of it asks once, as the run, whose latch holds", async () => {
  for (const order of ["run last", "guard last"] as const) {
    const guard = recordingGuard();
    const run = guard.run();
    const [first, last] = order === "run last" ? [guard, run] : [run, guard];
    const pay = guardFunction(
      last,
      PAY,
      guardFunction(first, PAY, () => "paid"),
    );
    await expect(pay()).resolves.toBe("paid");
    expect(guard.checks.map(({ runId }) => runId)).toEqual([run.id]);
    guard.deny();
    const denied = await rejection(pay());
    expect(denied).toBe(run.stopped);
    guard.allow();
    expect(await rejection(pay())).toBe(denied);
  }
});

test("guarding with another guard, or another run, asks there, too", async () => {
  const [one, other] = [recordingGuard(), recordingGuard()];
  const both = guardFunction(
    one.run(),
    PAY,
    guardFunction(other, PAY, () => "paid"),
  );
  await expect(both()).resolves.toBe("paid");
  expect([one.checks.length, other.checks.length]).toEqual([1, 1]);
  const runs = guardFunction(
    one.run(),
    PAY,
    guardFunction(one.run(), PAY, () => "paid"),
  );
  await expect(runs()).resolves.toBe("paid");
  expect(one.checks).toHaveLength(3);
});

describe("a signal", () => {
  test("aborted beforehand keeps the body from beginning, and nothing is asked", async () => {
    const guard = recordingGuard();
    let entered = 0;
    const load = guardFunction(guard, PAY, (_url: string, _init?: { signal?: AbortSignal }) => {
      entered += 1;
    });
    const signal = AbortSignal.abort("enough");
    await expect(load("/", { signal })).rejects.toBe("enough");
    expect(entered).toBe(0);
  });

  test("that the function gets aborts with the caller's and with the run", async () => {
    const guard = recordingGuard();
    const run = guard.run();
    const seen: AbortSignal[] = [];
    const mine = new AbortController();
    const bare = guardFunction(run, PAY, (signal: AbortSignal) => void seen.push(signal));
    const inOptions = guardFunction(run, PAY, (options: { signal: AbortSignal; url: string }) => {
      seen.push(options.signal);
      return options.url;
    });
    await bare(mine.signal);
    await expect(inOptions({ signal: new AbortController().signal, url: "/" })).resolves.toBe("/");
    mine.abort();
    guard.deny();
    await rejection(run.check(PAY));
    expect(seen.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(seen[1]?.reason).toBe(run.stopped);
  });
});

test("what has no body that begins with its call is refused", () => {
  const guard = recordingGuard();
  const wrong: unknown[] = [function* () {}, async function* () {}, "pay", undefined];
  for (const each of wrong) {
    expect(() => guardFunction(guard, PAY, each as () => void)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  }
});
