import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { ChannelHandlers } from "../../../src/index.ts";
import { systemClock, Timekeeper } from "../../../src/guard/clock.ts";
import { RequestNumbers } from "../../../src/guard/held-device.ts";
import { LeaseChannel } from "../../../src/guard/lease/lease-channel.ts";
import { LeaseSession } from "../../../src/guard/lease/lease-session.ts";
import { readDecision } from "../../../src/wire/index.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** The longest waits before each new attempt, when every connection does the same. */
async function waitsOf(connection: (handlers: ChannelHandlers) => void): Promise<number[]> {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const waits: number[] = [];
  const session = new LeaseSession({
    numbers: new RequestNumbers(),
    time: new Timekeeper(systemClock),
    schedule: () => () => undefined,
    readDecision,
  });
  const channel = new LeaseChannel({
    open: async (handlers) => {
      connection(handlers);
      return { close: () => undefined };
    },
    schedule: (action, delayMs) => {
      waits.push(delayMs);
      if (waits.length < 5) action();
      return () => undefined;
    },
  });
  channel.connect(session);
  await nextTurn();
  return waits;
}

test("a channel that opens and is closed before it brought anything is tried ever more rarely", async () => {
  const waits = await waitsOf((handlers) => {
    handlers.opened(() => undefined);
    handlers.closed();
  });
  expect(waits).toEqual([50, 100, 200, 400, 800]);
});

test("a channel that brought something is tried again at once", async () => {
  const waits = await waitsOf((handlers) => {
    handlers.opened(() => undefined);
    handlers.received("{}");
    handlers.closed();
  });
  expect(waits).toEqual([50, 50, 50, 50, 50]);
});
