import { expect, it } from "vitest";
import { violationsIn } from "./history.ts";
import type { History, Operation } from "./history.ts";

/** One device's sound life: registered, allowed, revoked, denied, unrevoked, allowed. */
const deviceId = "a";
const at = (sentAt: number, answeredAt: number, rest: Partial<Operation>): Operation => ({
  operation: "validate",
  deviceId,
  sentAt,
  answeredAt,
  requestId: `request-${sentAt}`,
  ...rest,
});
const operations: readonly Operation[] = [
  at(0, 1, { operation: "register", made: true }),
  at(2, 3, { allowed: true, version: 1 }),
  at(4, 5, { operation: "revoke", made: true, version: 2 }),
  at(6, 7, { allowed: false, version: 2 }),
  at(10, 11, { operation: "unrevoke", made: true, version: 3 }),
  at(12, 13, { allowed: true, version: 3 }),
];
const sound: History = {
  operations,
  log: [
    { version: 1, operation: "register", deviceIds: [deviceId] },
    { version: 2, operation: "revoke", deviceIds: [deviceId] },
    { version: 3, operation: "unrevoke", deviceIds: [deviceId] },
  ],
  audited: new Set(operations.map(({ requestId = "" }) => requestId)),
  devices: new Map([[deviceId, false]]),
  cap: 1,
};
const instead = (place: number, rest: Partial<Operation>): History => ({
  ...sound,
  operations: operations.map((operation, index) =>
    index === place ? { ...operation, ...rest } : operation,
  ),
});

it("finds nothing in what is sound", () => {
  expect(violationsIn(sound)).toEqual([]);
});

it("lets a check that was under way with an unrevoke have either answer", () => {
  expect(violationsIn(instead(3, { answeredAt: 11, allowed: true, version: 3 }))).toEqual([]);
  expect(violationsIn(instead(1, { sentAt: 4, answeredAt: 6, version: 1 }))).toEqual([]);
});

it.each<[string, History, string]>([
  ["an allow after a revoke was answered", instead(3, { allowed: true }), "was allowed after"],
  [
    "an allow after a revoke, from a version before it",
    instead(3, { allowed: true, version: 1 }),
    "was allowed after",
  ],
  ["a decision older than one known before", instead(5, { version: 1 }), "which was known"],
  ["a denial that the log does not know", instead(5, { allowed: false }), "unlike the change log"],
  [
    "a change that is not in the log",
    { ...sound, log: sound.log.filter(({ version }) => version !== 2) },
    "is not in the change log",
  ],
  [
    "a version that comes twice",
    { ...sound, log: [...sound.log, { version: 3, operation: "revoke", deviceIds: ["b"] }] },
    "comes twice",
  ],
  ["an answer without its audit entry", { ...sound, audited: new Set() }, "is not in the audit"],
  [
    "a device that is stored otherwise",
    { ...sound, devices: new Map([[deviceId, true]]) },
    "ends otherwise",
  ],
  [
    "a place too many",
    { ...sound, log: [...sound.log, { version: 4, operation: "register", deviceIds: ["b"] }] },
    "2 places were taken of 1",
  ],
])("finds %s", (_what, history, words) => {
  expect(violationsIn(history)).toContainEqual(expect.stringContaining(words));
});
