import { expect, it } from "vitest";
import { FanOut } from "../../../src/authority/leases/fan-out.ts";

/** Many of one name, each of which takes its time. */
function* steps(name: string, count: number, done: string[]): Generator<undefined, void> {
  for (let index = 0; index < count; index += 1) {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    done.push(`${name} ${index}`);
    yield;
  }
}

const namesOf = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

it("reaches many in order, and lets others have their turn in between", async () => {
  const fanOut = new FanOut();
  const done: string[] = [];
  fanOut.add(steps("one", 300, done), "stop");
  fanOut.flush();
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(100);
  fanOut.flush();
  expect(done.length).toBeLessThan(100);
  await expect.poll(() => done.length).toBe(300);
  expect(done).toEqual(namesOf("one", 300));
});

it("does not let a stop of few wait for a stop of many", async () => {
  const fanOut = new FanOut();
  const done: string[] = [];
  fanOut.add(steps("many", 300, done), "stop");
  fanOut.flush();
  fanOut.add(steps("few", 1, done), "stop");
  await expect.poll(() => done.length).toBe(301);
  expect(done.indexOf("few 0")).toBeLessThan(100);
});

it("gives no hint before every stop was pushed", async () => {
  const fanOut = new FanOut();
  const done: string[] = [];
  const to = { push: (frame: Buffer) => void done.push(frame.toString()) };
  fanOut.push(to, Buffer.from("hint"), "hint");
  fanOut.add(steps("stop", 300, done), "stop");
  fanOut.flush();
  await expect.poll(() => done.length).toBe(301);
  expect(done.at(-1)).toBe("hint");
});
