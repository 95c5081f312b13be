import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Renewals } from "../../../src/authority/leases/renewals.ts";

/** Asks to be renewed, and is when it is told. */
function asking(name: string, begun: string[]) {
  const renewed = Promise.withResolvers<void>();
  const renew = (): Promise<void> => {
    begun.push(name);
    return renewed.promise;
  };
  return { renew, end: () => renewed.resolve() };
}

test("only so many are renewed at once, in the order they came, each once", async () => {
  const renewals = new Renewals(2);
  const begun: string[] = [];
  const all = ["a", "b", "c", "d", "e"].map((name) => asking(name, begun));
  const [a, b, c, d, e] = all;
  for (const each of all) renewals.add(each);
  if (d !== undefined) renewals.add(d);
  expect(begun).toEqual(["a", "b"]);
  b?.end();
  await nextTurn();
  expect(begun).toEqual(["a", "b", "c"]);
  a?.end();
  c?.end();
  await nextTurn();
  expect(begun).toEqual(["a", "b", "c", "d", "e"]);
  d?.end();
  e?.end();
  await nextTurn();
  const later = ["f", "g", "h"].map((name) => asking(name, begun));
  for (const each of later) renewals.add(each);
  expect(begun.slice(5)).toEqual(["f", "g"]);
  later[0]?.end();
  await nextTurn();
  expect(begun.slice(5)).toEqual(["f", "g", "h"]);
});
