import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "../../../src/authority/leases/turns.ts";

test("only so many work at once, in the order they came, and one that fails makes room", async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const taken = works.map(({ promise }, index) =>
    turns.take(() => {
      begun.push(index);
      return promise;
    }),
  );
  const outcomes = Promise.allSettled(taken);
  await nextTurn();
  expect(begun).toEqual([0, 1]);
  works[1]?.reject(new Error("it failed"));
  await nextTurn();
  expect(begun).toEqual([0, 1, 2]);
  works[0]?.resolve();
  works[2]?.resolve();
  await nextTurn();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  works[3]?.resolve();
  works[4]?.resolve();
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  await turns.take(() => Promise.resolve(void begun.push(5)));
  expect(begun).toHaveLength(6);
});
