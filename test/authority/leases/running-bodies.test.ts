import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { readRunning, RunningBodies } from "../../../src/authority/leases/running-bodies.ts";
import { holderPage } from "../../../src/authority/leases/holder-answers.ts";
import { MAX_ANSWER_BYTES } from "../../../src/wire/index.ts";
import type { StopHolderAnswer } from "../../../src/wire/index.ts";

const tool = (name: string) => ({ kind: "tool", name });

test("of a holder 20 bodies are kept, of all its devices, and what is said anew replaces what was said", () => {
  const bodies = new RunningBodies();
  const many = Array.from({ length: 15 }, (_, index) => tool(`${index}`));
  bodies.say("a", many);
  bodies.say("b", many);
  expect(bodies.all.map(({ device }) => device)).toEqual([
    ...Array.from({ length: 15 }, () => "a"),
    ...Array.from({ length: 5 }, () => "b"),
  ]);
  bodies.say("a", []);
  expect(bodies.all).toHaveLength(5);
  bodies.say("b", [tool("one")]);
  expect(bodies.all).toEqual([{ ...tool("one"), device: "b" }]);
});

test("of a holder no more text is kept than is read", () => {
  const bodies = new RunningBodies();
  for (let index = 0; index < 100; index += 1) {
    bodies.say(`${index}:${"x".repeat(250)}`, [tool("x".repeat(100)), tool("x".repeat(100))]);
  }
  expect(JSON.stringify(bodies.all).length).toBeLessThan(1_500);
});

test("a text is kept as its beginning, with nothing in it that acts", () => {
  expect(readRunning([tool("\u001B[2J\n"), { kind: "\uD83D" }])).toEqual([
    tool("\uFFFD[2J\uFFFD"),
    { kind: "\uFFFD" },
  ]);
  const [long] = readRunning([tool("x".repeat(300))]);
  expect(long?.name).toHaveLength(100);
});

test("what is kept keeps nothing of the message that it was in", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  const kept = Array.from({ length: 64 }, (_, index) =>
    readRunning([{ kind: `${index}${"x".repeat(1024 * 1024)}` }]),
  );
  expect(used() - before).toBeLessThan(16 * 1024 * 1024);
  expect(kept).toHaveLength(64);
});

test("pages of holders fit into an answer, whatever is in them, and leave none out", () => {
  const wide = "漢".repeat(256);
  const all = Array.from({ length: 600 }, (_, index): StopHolderAnswer => {
    const devices = Array.from({ length: index % 3 === 0 ? 20 : 1 }, () => wide);
    const session = `${index}`;
    return { kind: "session", session, devices, devices_total: 20, state: "lost", until: null };
  });
  const read: StopHolderAnswer[] = [];
  for (let from: number | null = 0; from !== null;) {
    const page = holderPage(all, from);
    expect(page.holders.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(JSON.stringify(page.holders))).toBeLessThan(MAX_ANSWER_BYTES);
    read.push(...page.holders);
    from = page.next;
  }
  expect(read).toEqual(all);
});
