import { describe, expect, test, vi } from "vitest";
import { ExecutionStoppedError, findExecutionStopped } from "../../../src/index.ts";
import type { Door } from "./door.ts";
import { doors } from "./doors.ts";
import { gatesOf } from "./gates.ts";
import type { Way } from "./gates.ts";
import { openScene } from "./scene.ts";
import type { Opening } from "./scene.ts";
import { ways } from "./ways.ts";

/** LangChain writes to the console what handlers throw. */
vi.spyOn(console, "error").mockImplementation(() => undefined);
vi.spyOn(console, "warn").mockImplementation(() => undefined);

const REFUSALS: readonly Opening[] = ["revoked", "unreachable", "hang", "nonsense", "error"];

/** What a call came to: an error, or a result. */
async function outcome(work: Promise<unknown>): Promise<{ error?: unknown; result?: unknown }> {
  try {
    return { result: await work };
  } catch (error) {
    return { error };
  }
}

function expectSurface({ surfaces }: Door, { error }: { error?: unknown }): void {
  if (surfaces === "result") return;
  const found = findExecutionStopped(error);
  expect(found).toBeInstanceOf(ExecutionStoppedError);
  if (surfaces === "denial") expect(error).toBe(found);
}

function wayOf({ door, entry }: Door): Way {
  const way = ways[door]?.[entry];
  if (way === undefined) throw new Error(`no way for ${door}, ${entry}`);
  return way;
}

const hasWay = ({ door, entry }: Door): boolean => ways[door]?.[entry] !== undefined;
const inTable = doors.filter(hasWay);

test("every way has its row among the doors, and every closed door is tried", () => {
  const named = Object.entries(ways).flatMap(([door, entries]) =>
    Object.keys(entries).map((entry) => `${door}: ${entry}`),
  );
  const listed = inTable.map(({ door, entry }) => `${door}: ${entry}`);
  expect(listed.toSorted()).toEqual(named.toSorted());
  const untried = doors.filter((door) => door.closed && door.triedIn === undefined);
  expect(untried.filter((door) => !hasWay(door))).toEqual([]);
});

describe.concurrent.each(inTable.filter(({ closed }) => closed))("$door: $entry", (door) => {
  const way = wayOf(door);

  test.each(REFUSALS)("begins nothing when the authority is %s", async (mode) => {
    await using opened = await openScene(mode);
    const result = await outcome(way.call(gatesOf(opened), opened));
    expect(opened.entered).toEqual([]);
    expectSurface(door, result);
  });

  test("begins everything, in order, when all is allowed", async () => {
    await using opened = await openScene();
    await way.call(gatesOf(opened), opened);
    expect(opened.entered).toEqual(way.bodies);
    expect(opened.authority.validations).toBeGreaterThan(0);
  });

  test("begins nothing after a denial, whichever check it is that is denied", async () => {
    await using allowed = await openScene();
    await way.call(gatesOf(allowed), allowed);
    const checks = allowed.authority.validations;
    for (let denied = 1; denied <= checks; denied += 1) {
      await using opened = await openScene();
      opened.authority.onValidation = (count) =>
        count === denied ? opened.authority.become("revoked") : undefined;
      const result = await outcome(way.call(gatesOf(opened), opened));
      expect(opened.enteredLate).toEqual([]);
      // A body that came too late for its hook's allow asked once more, the first time.
      if (denied > 1 && opened.authority.validations < denied) continue;
      expect(opened.events.some(({ type }) => type === "stop")).toBe(true);
      expectSurface(door, result);
    }
  });

  const [first = "", second] = way.isParallel === true ? [] : way.bodies;
  test.each(second === undefined ? [] : (["revoked", "error", "nonsense"] as const))(
    "begins nothing more when the authority becomes %s while a body runs",
    async (mode) => {
      await using opened = await openScene();
      opened.onEnter.set(first, () => opened.authority.become(mode));
      const result = await outcome(way.call(gatesOf(opened), opened));
      expect(opened.entered).toEqual([first]);
      expectSurface(door, result);
    },
  );

  test.each(way.call.length > 2 ? [new Error("the caller changed its mind")] : [])(
    "begins nothing when the signal is aborted beforehand",
    async (reason) => {
      await using opened = await openScene();
      const result = await outcome(way.call(gatesOf(opened), opened, AbortSignal.abort(reason)));
      expect(opened.entered).toEqual([]);
      expect(result).toHaveProperty("error");
    },
  );
});

test.each(inTable.filter(({ closed }) => !closed))(
  "$door: $entry is open, as documented",
  async (door) => {
    await using opened = await openScene("revoked");
    const way = wayOf(door);
    await outcome(way.call(gatesOf(opened), opened));
    expect(opened.entered).toEqual(way.bodies);
  },
);
