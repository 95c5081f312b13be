import { afterEach, expect, test, vi } from "vitest";
import { systemClock, Timekeeper } from "../../../src/guard/clock.ts";
import { HeldDevice } from "../../../src/guard/held-device.ts";
import { Holder } from "../../../src/guard/holder.ts";
import { LeasedDevice } from "../../../src/guard/lease/leased-device.ts";
import { obeysStops } from "../../../src/guard/lease/self-check.ts";
import { leased } from "./scene.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const check = (): Promise<boolean> => obeysStops(new Holder(new Timekeeper(systemClock)));

test("a process in which nothing is broken obeys stops", async () => {
  expect(await check()).toBe(true);
});

test.each<[string, () => unknown]>([
  [
    "a signal that is aborted from the start",
    () => vi.spyOn(AbortSignal.prototype, "aborted", "get").mockReturnValue(true),
  ],
  [
    "a stop that discards the lease and is not remembered",
    () =>
      vi.spyOn(LeasedDevice.prototype, "deny").mockImplementation(function (
        this: LeasedDevice,
        verdict,
      ) {
        this.device.stop(verdict);
      }),
  ],
  [
    "a stop that aborts nothing",
    () => vi.spyOn(HeldDevice.prototype, "abort").mockReturnValue(undefined),
  ],
  [
    "drained that is said while a body runs",
    () => vi.spyOn(HeldDevice.prototype, "runningSince").mockReturnValue([]),
  ],
  [
    "drained that is never said",
    () => vi.spyOn(HeldDevice.prototype, "end").mockReturnValue(undefined),
  ],
  [
    "a stop that fails",
    () =>
      vi.spyOn(LeasedDevice.prototype, "deny").mockImplementation(() => {
        throw new Error("patched");
      }),
  ],
])("the self-check finds %s", async (_what, breakIt) => {
  breakIt();
  expect(await check()).toBe(false);
});

test("a guard checks itself again every minute, until nobody holds a lease", async () => {
  vi.useFakeTimers();
  const { guard, events } = await leased();
  const checked = (): number => events.filter(({ type }) => type === "self_check").length;
  await vi.advanceTimersByTimeAsync(59_999);
  expect(checked()).toBe(1);
  await vi.advanceTimersByTimeAsync(60_001);
  expect(checked()).toBe(3);
  await guard.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("a self-check that is under way when the last guard is closed goes on no more", async () => {
  vi.useFakeTimers();
  const { guard } = await leased();
  vi.advanceTimersByTime(60_000);
  await guard.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(vi.getTimerCount()).toBe(0);
});
