import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { DeviceState, Snapshot, StopState } from "../../src/cli/top/fleet.ts";
import { linesOf } from "../../src/cli/top/table.ts";
import { fitted, padded, shortened, widthOf } from "../../src/cli/text-width.ts";

const AT = "2026-01-01T00:00:00.000Z";
const IDS = [
  "worker:prod:queue-consumer:01",
  "エージェント:本番:漢字のデバイス:01",
  `worker:${"very-long-".repeat(20)}:07`,
  "e\u0301clair:🚀❤\uFE0F:01",
];

const device = (deviceId: string): DeviceState => ({
  deviceId,
  status: "active",
  lastSeenAt: AT,
  sessions: 12,
  lostSessions: 3,
  lastDecision: { code: "DEVICE_REVOKED", at: AT },
  checksPerSecond: 12.5,
});
const stop = (version: number): StopState => ({
  version,
  state: "fenced",
  holders: 1,
  fenced: 1,
  drained: 0,
  devices: IDS,
  running: ["tool charge"],
});
const snapshot = (change: Partial<Snapshot>): Snapshot => ({
  at: AT,
  authority: "http://127.0.0.1:7643",
  stopped: false,
  checksPerSecond: 12.5,
  sessions: 3,
  devices: IDS.map(device),
  pendingStops: [],
  problem: null,
  ...change,
});
const shown = (given: Snapshot, columns: number, rows: number): readonly string[] =>
  linesOf(given, { columns, rows }).map((line) => stripVTControlCharacters(line));

describe("a table", () => {
  const many = Array.from({ length: 500 }, (_, index) => device(`${IDS[index % 4]}:${index}`));
  const full = snapshot({
    devices: many,
    pendingStops: Array.from({ length: 100 }, (_, index) => stop(index)),
    problem: `not up to date: ${"漢".repeat(200)}`,
    stopped: true,
  });

  test.each([
    [80, 24],
    [120, 40],
    [50, 24],
    [50, 8],
  ])("of %i columns and %i rows fits, whatever is in it", (columns, rows) => {
    for (const given of [full, snapshot({}), snapshot({ devices: [] })]) {
      const lines = shown(given, columns, rows);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
    expect(shown(full, columns, rows).join("\n")).toMatch(/and \d+ more$/m);
  });

  test("has its columns one below the other, for ids of any width", () => {
    const lines = shown(
      snapshot({ devices: [IDS[1], IDS[3]].map((id) => device(id ?? "")) }),
      120,
      40,
    );
    const columns = lines
      .filter((line) => /STATUS|active/.test(line))
      .map((line) => widthOf(line.slice(0, line.search(/STATUS|active/))));
    expect(columns).toHaveLength(3);
    expect(new Set(columns).size).toBe(1);
  });

  test("keeps the end of an id, and every number, on a narrow terminal", () => {
    const text = shown(snapshot({}), 50, 24).join("\n");
    expect(text).toMatch(/CHECKS\/S/);
    expect(text.match(/:0[17] .*12\.5/g)).toHaveLength(4);
    expect(text).not.toContain("SEEN");
  });

  test("says how many sessions a device has, where the authority does and there is room", () => {
    const header = (given: Partial<Snapshot>, columns: number): string | undefined =>
      shown(snapshot(given), columns, 24).find((line) => line.startsWith("DEVICE"));
    expect(shown(snapshot({}), 80, 24).join("\n")).toMatch(
      /active {2}12, 3 lost {2}DEVICE_REVOKED/,
    );
    expect(header({}, 80)).toMatch(/SESSIONS .* SEEN/);
    expect(header({}, 65)).toMatch(/SESSIONS/);
    expect(header({}, 65)).not.toMatch(/SEEN/);
    expect(header({}, 50)).not.toMatch(/SESSIONS/);
    expect(header({ sessions: null }, 80)).not.toMatch(/SESSIONS/);
  });

  test("says what went on after a stop before whom it concerns, which may be cut off", () => {
    const text = shown(snapshot({ pendingStops: [stop(4)] }), 100, 24).join("\n");
    expect(text).toContain(
      "of 1 holder 1 fenced, 0 drained, went on after it: tool charge  worker:",
    );
  });

  test("says how many there are, what is not counted, and when there is nothing", () => {
    const text = shown(snapshot({ devices: [], pendingStops: [stop(4)] }), 80, 24).join("\n");
    expect(text).toMatch(
      /^0 devices, 0 revoked {2}12\.5 checks\/s {2}3 sessions {2}1 pending stop /,
    );
    expect(text).toContain("stop 4 fenced: of 1 holder 1 fenced, 0 drained");
    expect(text).toContain("No devices");
    expect(text).toContain("Checks under a lease ask nobody, so they are not counted");
    expect(shown(snapshot({ stopped: true }), 80, 24)[0]).toMatch(/^THE ORG IS STOPPED/);
  });
});

test("a text's width is what a terminal gives it", () => {
  expect(widthOf("abc")).toBe(3);
  expect(widthOf("漢字")).toBe(4);
  expect(widthOf("🚀")).toBe(2);
  expect(widthOf("❤\uFE0F")).toBe(2);
  expect(widthOf("e\u0301")).toBe(1);
  expect(fitted("漢字漢字", 6)).toBe("漢字…");
  expect(fitted("漢字", 4)).toBe("漢字");
  expect(shortened("worker:prod:queue:07", 10)).toBe("wor…eue:07");
  expect(shortened("short", 10)).toBe("short");
  expect(padded("漢", 4)).toBe("漢  ");
});
