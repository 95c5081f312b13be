import type { Environment } from "./explore.ts";
import type { Rule } from "./rules.ts";
import type { Violation } from "./world.ts";

/* The moves that environments are put together from. */

const ASK = { renew: 2, deliver: 5, read: 3, execute: 3, answer: 3 } as const;
const STOP = { revoke: 1, commit: 3, see: 3 } as const;
const TIME = { advance: 3, elapse: 3 } as const;
const PUSH = { learn: 3, report: 3, early: 3 } as const;
const BEGIN = { begin: 3 } as const;
const CORE = { ...ASK, ...STOP, ...BEGIN } as const;

/** As far as clocks may be off, and a little less: equal instants are not the question. */
const SLOW = 0.9901;
const FAST = 1.0099;
const BOTH = ["a", "b"] as const;

/** A request is served; its answer is on its way. */
const served = (kind: string): string[] => [kind, "deliver", "read", "execute", "answer"];
const LEASED = [...served("renew"), "deliver"];
const STOPPED = ["revoke", "commit", "see"];

/** Where the whole protocol is explored. */
export const BROAD = {
  time: { opening: LEASED, moves: { ...CORE, ...TIME } },
  strict: {
    opening: served("strict"),
    moves: {
      ...STOP,
      ...TIME,
      ...PUSH,
      strict: 1,
      check: 1,
      deliver: 8,
      read: 4,
      execute: 4,
      answer: 4,
      begin: 6,
    },
  },
  sleep: {
    opening: LEASED,
    moves: { ...CORE, ...TIME, suspend: 2, wake: 2, setWallBack: 2, look: 2 },
  },
  store: { moves: { ...CORE, ...TIME, storeAway: 1, restore: 1, restoreArrives: 1, rollBack: 1 } },
  acknowledged: { opening: LEASED, moves: { ...CORE, ...PUSH, strict: 1, check: 1 } },
  restores: { opening: LEASED, moves: { ...CORE, ...PUSH, restore: 2, restoreArrives: 2 } },
  twoReplicas: {
    replicas: [1, 1],
    clients: [{ rate: 1, devices: BOTH }],
    opening: LEASED,
    moves: { ...CORE, ...PUSH, ...TIME, revokeBoth: 1, connect: 1, disconnect: 1 },
  },
  sessions: {
    clients: [
      { rate: 1, devices: ["a"] },
      { rate: 1, devices: ["a"] },
    ],
    moves: { ...CORE, ...PUSH, restartClient: 1 },
  },
  watching: { opening: LEASED, moves: { ...CORE, ...PUSH, unwatch: 2, watch: 2 } },
  members: {
    replicas: [1, 1],
    opening: LEASED,
    moves: {
      ...CORE,
      ...PUSH,
      ...TIME,
      boot: 1,
      join: 2,
      crash: 1,
      remove: 1,
      leave: 1,
      connect: 2,
    },
  },
  terms: { opening: LEASED, moves: { ...CORE, ...TIME, terms: 2 } },
  everything: {
    replicas: [FAST, SLOW],
    clients: [
      { rate: SLOW, devices: BOTH },
      { rate: FAST, devices: ["a"] },
    ],
    opening: LEASED,
    moves: {
      ...CORE,
      ...PUSH,
      ...TIME,
      strict: 1,
      check: 1,
      revokeBoth: 1,
      connect: 1,
      disconnect: 1,
      unwatch: 1,
      watch: 1,
      restartClient: 1,
      suspend: 1,
      wake: 2,
      setWallBack: 1,
      look: 1,
      jumpAuthority: 1,
      restore: 1,
      restoreArrives: 2,
      rollBack: 1,
      boot: 1,
      join: 2,
      crash: 1,
      remove: 1,
      leave: 1,
      terms: 1,
      storeAway: 1,
    },
    length: 120,
  },
} as const satisfies Record<string, Environment>;

export interface Removal extends Environment {
  /** The promise that is broken without the rule. @default "fenced" */
  readonly breaks?: Violation;
}

const DRIFTING = {
  replicas: [FAST],
  clients: [{ rate: SLOW, devices: ["a"] }],
  opening: LEASED,
  moves: { ...STOP, ...TIME, ...BEGIN },
} as const;
const AFTER_LEASE = { opening: LEASED, moves: { ...STOP, ...TIME, ...BEGIN } } as const;
const ACKNOWLEDGED = { ...STOP, ...PUSH, ...BEGIN, deliver: 3 } as const;
/** The client is with the second of two replicas. */
const MOVED = {
  replicas: [1, 1],
  opening: ["connect", "deliver", ...LEASED],
  moves: { ...STOP, ...PUSH, ...BEGIN },
} as const;

/** For each rule, where a hole is likely without it. */
export const REMOVALS: Readonly<Record<Rule, Removal>> = {
  countFromSending: { opening: served("renew"), moves: { ...CORE, ...TIME } },
  bothClocks: { opening: LEASED, moves: { ...STOP, ...TIME, ...BEGIN, suspend: 2, wake: 2 } },
  clientGivesUp: DRIFTING,
  authorityAdds: DRIFTING,
  authorityMonotonic: { opening: LEASED, moves: { ...AFTER_LEASE.moves, jumpAuthority: 2 } },
  wallBackEnds: {
    opening: LEASED,
    moves: { ...STOP, ...TIME, ...BEGIN, suspend: 2, wake: 2, setWallBack: 2, look: 2 },
  },
  readAfterArrival: {
    opening: ["renew", "deliver", "read", "execute"],
    moves: CORE,
    breaks: "answered",
  },
  committedOnly: {
    opening: [...STOPPED, "restore", "restoreArrives"],
    moves: { ...ASK, ...BEGIN, ...TIME, rollBack: 1 },
  },
  noExtension: { opening: LEASED, moves: { ...AFTER_LEASE.moves, extend: 2 } },
  storeAway: {
    opening: [...LEASED, "storeAway"],
    moves: { ...CORE, ...TIME },
  },
  waits: AFTER_LEASE,
  waitFromCommit: { opening: ["revoke"], moves: { ...ASK, ...TIME, ...BEGIN, commit: 1, see: 1 } },
  rowsAfterCommit: {
    opening: ["revoke", "boot", "join", "connect", "deliver", ...LEASED],
    moves: { ...PUSH, ...BEGIN, commit: 3, see: 3 },
  },
  order: {
    clients: [{ rate: 1, devices: BOTH }],
    opening: ["revoke:0", "revoke:1", "commit:1", ...LEASED],
    moves: { ...PUSH, ...BEGIN, commit: 3, see: 3 },
  },
  floor: {
    opening: ["renew", "deliver", "read", "execute", ...STOPPED],
    moves: { ...PUSH, ...BEGIN, answer: 2, deliver: 3 },
  },
  reportWhenOver: { opening: LEASED, moves: { ...STOP, ...PUSH, ...BEGIN } },
  strictCounts: { opening: served("strict"), moves: ACKNOWLEDGED },
  discardUnderWay: { opening: [...LEASED, ...served("renew")], moves: ACKNOWLEDGED },
  discardArrived: { opening: [...served("check"), "deliver"], moves: ACKNOWLEDGED },
  discardOnDenial: {
    opening: LEASED,
    moves: { ...CORE, ...TIME },
    breaks: "denied",
  },
  discardOnUnwatch: {
    opening: [...served("renew"), "unwatch", "watch"],
    moves: ACKNOWLEDGED,
  },
  allowIsHint: {
    opening: [...LEASED, ...STOPPED, "learn", "deliver", "restore", "restoreArrives", "commit"],
    moves: { ...ACKNOWLEDGED, learn: 4 },
  },
  ackWhenTrue: { opening: LEASED, moves: { ...ACKNOWLEDGED, obey: 1 } },
  ackNamesDevices: {
    clients: [{ rate: 1, devices: BOTH }],
    opening: LEASED,
    moves: ACKNOWLEDGED,
  },
  ackOfSession: {
    clients: [
      { rate: 1, devices: ["a"] },
      { rate: 1, devices: ["a"] },
    ],
    opening: [...LEASED, "renew:1", ...LEASED.slice(1)],
    moves: ACKNOWLEDGED,
  },
  nGrows: {
    replicas: [1, 1],
    opening: served("renew"),
    moves: { ...CORE, ...TIME, connect: 3, disconnect: 1 },
  },
  unwatchCarriesN: {
    opening: [...LEASED, "unwatch", "watch", "renew", "deliver:1", "read", "execute", "answer"],
    moves: ACKNOWLEDGED,
  },
  disconnectKeeps: { opening: [...LEASED, "disconnect"], moves: ACKNOWLEDGED },
  rowBeforeGrant: {
    opening: ["boot", "connect", "deliver", ...LEASED],
    moves: { ...STOP, ...PUSH, ...BEGIN },
  },
  outEndsGrants: {
    replicas: [1, 1],
    opening: ["connect", "deliver", "remove", "advance:3", ...LEASED],
    moves: { ...STOP, ...PUSH, ...BEGIN, elapse: 3 },
  },
  outWaits: { ...MOVED, opening: [...MOVED.opening, "remove"] },
  ownRowLast: { ...MOVED, opening: [...MOVED.opening, "leave:1"] },
  newProcessNewRow: { opening: [...LEASED, "crash"], moves: { ...STOP, ...PUSH, ...BEGIN } },
  raiseBoth: {
    opening: ["terms:0", "advance:3", "elapse", "terms:1", ...LEASED],
    moves: AFTER_LEASE.moves,
  },
  lowerWaits: { opening: [...LEASED, "terms:0"], moves: AFTER_LEASE.moves },
  lowerIfUnchanged: {
    opening: ["terms:0", "terms:1", "advance:3", "elapse", ...LEASED],
    moves: AFTER_LEASE.moves,
  },
  stoppedWaits: { opening: LEASED, moves: { ...STOP, ...BEGIN } },
  ifVersion: {
    opening: [...STOPPED, "restore", "restore", "restoreArrives", "commit"],
    moves: { ...CORE, ...PUSH, restoreArrives: 2 },
  },
  validMs: { opening: [...served("check"), "deliver"], moves: AFTER_LEASE.moves },
};
