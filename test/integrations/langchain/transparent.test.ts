import { describe, expect, test, vi } from "vitest";
import { doors } from "./doors.ts";
import { gatesOf, noGates } from "./gates.ts";
import type { Gates } from "./gates.ts";
import { openScene } from "./scene.ts";
import { ways } from "./ways.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);
vi.spyOn(console, "warn").mockImplementation(() => undefined);

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)/g;
const MILLISECONDS = /"(timestamp|ts)":\d+/g;

/** What an application sees, without ids and times, and without the run's id. */
function seen(value: unknown): unknown {
  const text = JSON.stringify(value ?? null)
    .replaceAll(UUID, "uuid")
    .replaceAll(TIME, "time")
    .replaceAll(MILLISECONDS, '"$1":0');
  return JSON.parse(text, (key, inner: unknown) => {
    // LangChain gives a message the id of its run when anybody listens, as with any handler.
    const isRunId = key === "machineidRun" || (key === "id" && inner === "run-uuid");
    return isRunId ? undefined : inner;
  });
}

async function run(door: string, entry: string, gatesFor: "all" | "none") {
  await using scene = await openScene();
  const gates: Gates = gatesFor === "all" ? gatesOf(scene) : noGates;
  const way = ways[door]?.[entry];
  const result = seen(await way?.call(gates, scene));
  return { result, entered: scene.entered, requests: scene.authority.requests.length };
}

/** A middleware with hooks adds steps to the agent, which these list. */
const listsSteps = (entry: string): boolean => entry.startsWith("stream");

describe.concurrent.each(
  doors.filter(
    ({ door, entry }) =>
      ways[door]?.[entry] !== undefined && (door !== "guardMiddleware" || !listsSteps(entry)),
  ),
)("$door: $entry", ({ door, entry, closed }) => {
  test("comes to the same as without a gate", async () => {
    const gated = await run(door, entry, "all");
    const plain = await run(door, entry, "none");
    expect(plain.requests).toBe(0);
    if (closed) expect(gated.requests).toBeGreaterThan(0);
    expect(gated.entered).toEqual(plain.entered);
    expect(gated.result).toEqual(plain.result);
  });
});
