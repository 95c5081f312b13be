import { expect, it } from "vitest";
import { FanOut } from "../../../src/authority/leases/fan-out.ts";

it("sends to many in order, and lets others have their turn in between", async () => {
  const fanOut = new FanOut();
  const sent: string[] = [];
  const send = (frame: string | Buffer): void => {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    sent.push(String(frame));
  };
  const frames = Array.from({ length: 300 }, (_, index) => String(index));
  for (const frame of frames) fanOut.push({ send }, frame);
  fanOut.flush();
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.length).toBeLessThan(frames.length);
  // What comes later waits for its place.
  fanOut.push({ send }, "last");
  fanOut.flush();
  await expect.poll(() => sent.length).toBe(frames.length + 1);
  expect(sent).toEqual([...frames, "last"]);
});
