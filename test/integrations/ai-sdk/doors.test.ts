import { expect, test } from "vitest";
import { cases } from "./cases.ts";
import { doors, NOT_BEGUN } from "./doors.ts";

test("the suite goes through every door that is gated and no other", () => {
  const closed = doors.filter(
    ({ closed, surfaces, triedIn }) =>
      closed && triedIn === undefined && !NOT_BEGUN.includes(surfaces),
  );
  const tested = cases.flatMap(({ door, entry, versions }) =>
    versions.map((version) => `${door}, ${entry}, ${version}`),
  );
  const listed = closed.map(({ door, entry, version }) => `${door}, ${entry}, ${version}`);
  expect(tested.toSorted()).toEqual(listed.toSorted());
  expect(new Set(listed).size).toBe(listed.length);
});

test("an open door says why", () => {
  expect(doors.filter(({ closed, note }) => !closed && note === undefined)).toEqual([]);
});
