import type { Rule } from "./rules.ts";

/* The state of the model, its clocks, its network, and what must never happen. */

export type Device = "a" | "b";

/** A change in the store, in the order of commits. */
export interface Commit {
  readonly kind: "stop" | "restore";
  readonly version: number;
  readonly devices: readonly Device[];
  /** Of a restore: the stop that the operator knew of. */
  readonly knows: number;
}

export interface Snapshot {
  /** How many commits are in it. */
  readonly commits: number;
  readonly version: number;
  readonly allowed: Readonly<Record<Device, boolean>>;
  readonly ttl: number;
  readonly row: "in" | "out" | undefined;
}

/** A process's clocks; `rate` is how fast they run. */
export interface Clocks {
  readonly rate: number;
  monotonic: number;
  wall: number;
  suspended: boolean;
}

export interface Reading {
  readonly monotonic: number;
  readonly wall: number;
  readonly setbacks: number;
}

export interface Request {
  readonly kind: "renew" | "check" | "strict";
  readonly n: number;
  readonly client: Client;
  readonly session: number;
  readonly devices: readonly Device[];
}

export interface Allow {
  readonly device: Device;
  readonly read: Snapshot;
  readonly n: number;
  readonly kind: Request["kind"];
  readonly term: number;
  at: Reading;
  /** When it was asked for, in steps of the model. */
  readonly askedStep: number;
}

export interface Client {
  readonly clocks: Clocks;
  /** Changes with the process. */
  session: number;
  n: number;
  seenWall: number;
  setbacks: number;
  /** A sleep or a set-back that the client has not had a chance to see. */
  disturbed: boolean;
  replica: Replica | undefined;
  readonly watched: Set<Device>;
  readonly asked: Map<number, { at: Reading; step: number; devices: readonly Device[] }>;
  readonly leases: Map<Device, Allow>;
  /** Leases that a stop took away; only a broken rule brings one back. */
  readonly lost: Map<Device, Allow>;
  readonly marks: Map<Device, number>;
  unused: Allow[];
  readonly acknowledged: Map<Device, number>;
  readonly deniedStep: Map<Device, number>;
  /** What a broken client puts off. */
  putOff: (() => void)[];
}

export interface Entry {
  readonly session: number | undefined;
  readonly device: Device;
  readonly version: number;
  readonly n: number;
  readonly since: number;
  readonly term: number;
}

export interface Read {
  readonly requests: Request[];
  snapshot: Snapshot | undefined;
}

export interface Replica {
  id: number;
  readonly clocks: Clocks;
  alive: boolean;
  leaving: boolean;
  storeAway: boolean;
  floor: number;
  learned: number;
  arrived: Request[];
  reads: Read[];
  lastSnapshot: Snapshot | undefined;
  entries: Entry[];
  readonly sessions: Map<number, Client>;
}

/** A wait on one process's clock, and what it is for. */
export interface Wait {
  readonly replica: Replica;
  readonly since: number;
  readonly forMs: number;
  readonly done: () => void;
  readonly stop?: { readonly version: number; readonly rows: readonly number[] | undefined };
}

export interface Change {
  readonly replica: Replica;
  readonly kind: "stop" | "restore";
  readonly devices: readonly Device[];
  readonly knows: number;
  readonly rowsBefore: readonly number[];
  readonly since: number;
  version: number | undefined;
  /** Committed, and the process that asked for it does not know yet. */
  committed: number | undefined;
}

export interface Message {
  readonly deliver: () => void;
}

/** A request reaches a replica, if that still takes any. */
export function receive(replica: Replica, request: Request): void {
  if (replica.alive && !replica.leaving) replica.arrived.push(request);
}

/** What went wrong: which of the promises was broken. */
export type Violation = "fenced" | "acknowledged" | "denied" | "answered";

export class World {
  readonly off: Rule | undefined;
  step = 0;
  readonly commits: Commit[] = [];
  lastVersion = 0;
  ttl = 10;
  wait = 10;
  termsVersion = 0;
  readonly valid = 2;
  readonly rows = new Map<number, "in" | "out">();
  /** The version at which each row was entered: all that its process grants is read there or later. */
  readonly since = new Map<number, number>();
  /** Stops that each process has reported. */
  readonly reports = new Map<number, Set<number>>();
  changes: Change[] = [];
  restores: (() => void)[] = [];
  waits: Wait[] = [];
  readonly replicas: Replica[] = [];
  readonly clients: Client[] = [];
  network: Message[] = [];
  readonly fenced = new Set<number>();
  /** Steps at which stops were answered to the operator. */
  readonly answered = new Map<number, number>();
  readonly violations = new Set<Violation>();
  bodies = 0;
  #ids = 0;

  constructor(off: Rule | undefined) {
    this.off = off;
  }

  /** Whether a rule is kept. */
  keeps(rule: Rule): boolean {
    return this.off !== rule;
  }

  newId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** A process commits its row. */
  enter(id: number): void {
    this.rows.set(id, "in");
    this.since.set(id, Math.max(0, ...this.commits.map(({ version }) => version)));
  }

  advance(ms: number): void {
    for (const { clocks } of [...this.replicas, ...this.clients]) {
      const elapsed = ms * clocks.rate;
      clocks.wall += elapsed;
      if (!clocks.suspended) clocks.monotonic += elapsed;
    }
  }

  /** The latest commit about a device, among the first `count`. */
  latest(device: Device, count = this.commits.length): Commit | undefined {
    return this.commits.slice(0, count).findLast(({ devices }) => devices.includes(device));
  }

  isAllowed(device: Device): boolean {
    const dirty = this.changes.some(
      ({ kind, devices, committed }) =>
        kind === "restore" && committed === undefined && devices.includes(device),
    );
    if (dirty && !this.keeps("committedOnly")) return true;
    return this.latest(device)?.kind !== "stop";
  }

  snapshot(replica: Replica): Snapshot {
    return {
      commits: this.commits.length,
      version: Math.max(0, ...this.commits.map(({ version }) => version)),
      allowed: { a: this.isAllowed("a"), b: this.isAllowed("b") },
      ttl: this.ttl,
      row: this.rows.get(replica.id),
    };
  }

  /** A body begins: the moment that all is about. */
  begin(client: Client, allow: Allow): void {
    this.bodies += 1;
    const { device, read, askedStep } = allow;
    for (const [position, stop] of this.commits.entries()) {
      if (stop.kind !== "stop" || !stop.devices.includes(device)) continue;
      const restored = this.commits
        .slice(position, read.commits)
        .some(
          ({ kind, devices, knows }) =>
            kind === "restore" && devices.includes(device) && knows >= stop.version,
        );
      if (restored) continue;
      if (this.fenced.has(stop.version)) this.violations.add("fenced");
      const answeredStep = this.answered.get(stop.version);
      if (answeredStep !== undefined && askedStep > answeredStep) this.violations.add("answered");
    }
    if (read.version < (client.acknowledged.get(device) ?? 0)) this.violations.add("acknowledged");
    if (askedStep < (client.deniedStep.get(device) ?? 0)) this.violations.add("denied");
  }
}
