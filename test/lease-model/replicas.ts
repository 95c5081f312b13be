import { take, takeAllow, takeStop } from "./guards.ts";
import type { Change, Device, Entry, Read, Replica, Request, Wait, World } from "./world.ts";

/* What a replica of the authority does, and the store it stands on. */

const ADDED = 0.01;

export function addReplica(world: World, rate: number, joined: boolean): Replica {
  const replica: Replica = {
    id: world.newId(),
    clocks: { rate, monotonic: 0, wall: 1000, suspended: false },
    alive: true,
    leaving: false,
    storeAway: false,
    floor: 0,
    learned: 0,
    arrived: [],
    reads: [],
    lastSnapshot: undefined,
    entries: [],
    sessions: new Map(),
  };
  world.replicas.push(replica);
  if (joined) world.enter(replica.id);
  return replica;
}

/** Sends the statement that reads for all who have asked so far. */
export function sendRead(world: World, replica: Replica): void {
  const read: Read = { requests: replica.arrived, snapshot: undefined };
  replica.arrived = [];
  if (replica.storeAway) {
    if (world.keeps("storeAway")) return;
    read.snapshot = replica.lastSnapshot;
  }
  replica.reads.push(read);
}

/** The database executes a statement that was sent. */
export function execute(world: World, replica: Replica, read: Read): void {
  read.snapshot = world.snapshot(replica);
  replica.lastSnapshot = read.snapshot;
}

function mayGrant(world: World, { row }: { readonly row: "in" | "out" | undefined }): boolean {
  if (row === "in") return true;
  return row === "out" ? !world.keeps("outEndsGrants") : !world.keeps("rowBeforeGrant");
}

/** Writes the answers, and records them, in one step. */
export function answer(world: World, replica: Replica, read: Read): void {
  const { snapshot } = read;
  replica.reads = replica.reads.filter((other) => other !== read);
  if (snapshot === undefined || !mayGrant(world, snapshot)) return;
  if (world.keeps("floor") && snapshot.version < replica.floor) {
    replica.arrived.push(...read.requests);
    return;
  }
  const requests = [...read.requests];
  if (!world.keeps("readAfterArrival")) requests.push(...replica.arrived.splice(0));
  for (const request of requests) {
    const term = request.kind === "renew" ? snapshot.ttl : world.valid;
    for (const device of request.devices) {
      if (snapshot.allowed[device]) record(world, replica, request, device, snapshot.version, term);
    }
    world.network.push({ deliver: () => take(world, request, snapshot, term) });
  }
}

function record(
  world: World,
  replica: Replica,
  { kind, n, session }: Request,
  device: Device,
  version: number,
  term: number,
): void {
  if (kind === "strict" && !world.keeps("strictCounts")) return;
  replica.entries.push({
    session: kind === "strict" ? undefined : session,
    device,
    version,
    n,
    since: replica.clocks.monotonic,
    term,
  });
}

/** Learns of what was committed since it last looked: floor, then push. */
export function learn(world: World, replica: Replica): void {
  const news = world.commits
    .filter(({ version }) => version > replica.learned)
    .toSorted((a, b) => a.version - b.version);
  for (const { kind, version, devices } of news) {
    replica.learned = Math.max(replica.learned, version);
    if (kind === "stop") replica.floor = Math.max(replica.floor, version);
    for (const [session, client] of replica.sessions) {
      const deliver = (): void => {
        if (kind === "stop") takeStop(world, client, session, replica, version, devices);
        else if (session === client.session) takeAllow(world, client, devices);
      };
      world.network.push({ deliver });
    }
  }
}

const isOver = (world: World, { clocks }: Replica, { since, term }: Entry): boolean =>
  clocks.monotonic - since >= term * (world.keeps("authorityAdds") ? 1 + ADDED : 1);

/** Reports each stop for which no older allow of its own is left: one that is not over holds up no other. */
export function report(world: World, replica: Replica): void {
  replica.entries = replica.entries.filter((entry) => !isOver(world, replica, entry));
  const reported = world.reports.get(replica.id) ?? new Set();
  world.reports.set(replica.id, reported);
  for (const { kind, version, devices } of world.commits) {
    if (kind !== "stop" || version > replica.learned) continue;
    const isInUse = replica.entries.some(
      (entry) => devices.includes(entry.device) && entry.version < version,
    );
    if (!isInUse || !world.keeps("reportWhenOver")) reported.add(version);
  }
}

/** An operator's change reaches a replica, and its transaction begins. */
export function beginChange(
  world: World,
  replica: Replica,
  kind: "stop" | "restore",
  devices: readonly Device[],
  knows: number,
): void {
  const change: Change = {
    replica,
    kind,
    devices,
    knows,
    rowsBefore: [...world.rows.keys()],
    since: clockOf(world, replica),
    version: undefined,
    committed: undefined,
  };
  if (!world.keeps("order")) change.version = ++world.lastVersion;
  world.changes.push(change);
}

export function commitChange(world: World, change: Change): void {
  const { kind, devices, knows } = change;
  const current = devices.map((device) => world.latest(device));
  if (kind === "stop" && current.every((commit) => commit?.kind === "stop")) {
    change.committed = Math.max(...current.map((commit) => commit?.version ?? 0));
    return;
  }
  if (kind === "restore" && world.keeps("ifVersion")) {
    const isMeant = current.every((commit) => commit?.version === knows);
    if (!isMeant) {
      world.changes = world.changes.filter((other) => other !== change);
      return;
    }
  }
  change.version ??= ++world.lastVersion;
  change.committed = change.version;
  world.commits.push({ kind, version: change.version, devices, knows });
}

/** The process sees that its change is committed, answers, and begins to wait. */
export function seeCommitted(world: World, change: Change): void {
  world.changes = world.changes.filter((other) => other !== change);
  const { replica, kind, committed: version } = change;
  if (!replica.alive || kind !== "stop" || version === undefined) return;
  if (!world.answered.has(version)) world.answered.set(version, world.step);
  const isOlder = version !== change.version;
  if (!world.keeps("waits") || (isOlder && !world.keeps("stoppedWaits"))) {
    world.fenced.add(version);
    return;
  }
  world.waits.push({
    replica,
    since: world.keeps("waitFromCommit") ? clockOf(world, replica) : change.since,
    forMs: world.wait,
    done: () => world.fenced.add(version),
    stop: { version, rows: world.keeps("rowsAfterCommit") ? undefined : change.rowsBefore },
  });
}

export function clockOf(world: World, { clocks }: Replica): number {
  return world.keeps("authorityMonotonic") ? clocks.monotonic : clocks.wall;
}

export function isWaited(world: World, { replica, since, forMs }: Wait): boolean {
  const added = world.keeps("authorityAdds") ? 1 + ADDED : 1;
  return clockOf(world, replica) - since >= forMs * added;
}

/** Every replica has reported: the stop is fenced before its time. */
export function answerEarly(world: World, wait: Wait): void {
  if (wait.stop === undefined || !wait.replica.alive) return;
  const { version, rows = [...world.rows.keys()] } = wait.stop;
  const hasReported = (id: number): boolean =>
    (world.since.get(id) ?? 0) >= version || world.reports.get(id)?.has(version) === true;
  if (rows.every(hasReported)) {
    world.fenced.add(version);
    world.waits = world.waits.filter((other) => other !== wait);
  }
}

export function crash(world: World, replica: Replica): void {
  world.waits = world.waits.filter((wait) => wait.replica !== replica);
  replica.entries = [];
  replica.arrived = [];
  replica.reads = [];
  replica.sessions.clear();
  if (world.keeps("newProcessNewRow")) replica.alive = false;
  else {
    replica.floor = 0;
    replica.learned = 0;
  }
}

/** Takes the row of another process away. */
export function removeRow(world: World, replica: Replica, id: number): void {
  if (!world.keeps("outWaits")) {
    world.rows.delete(id);
    return;
  }
  world.rows.set(id, "out");
  world.waits.push({
    replica,
    since: clockOf(world, replica),
    forMs: world.wait,
    done: () => world.rows.get(id) === "out" && world.rows.delete(id),
  });
}

/** A clean end: stops granting at once, and takes its row away when nothing is left. */
export function leave(world: World, replica: Replica): void {
  replica.leaving = true;
  replica.arrived = [];
  replica.reads = [];
  replica.entries = replica.entries.filter((entry) => !isOver(world, replica, entry));
  if (replica.entries.length > 0 && world.keeps("ownRowLast")) return;
  world.rows.delete(replica.id);
  crash(world, replica);
  replica.alive = false;
}

export function changeTerms(world: World, replica: Replica, ttl: number): void {
  if (ttl === world.ttl) return;
  world.termsVersion += 1;
  const version = world.termsVersion;
  const isLower = ttl < world.ttl;
  world.ttl = ttl;
  if (!isLower) {
    if (world.keeps("raiseBoth")) world.wait = Math.max(world.wait, ttl);
    return;
  }
  if (!world.keeps("lowerWaits")) {
    world.wait = ttl;
    return;
  }
  world.waits.push({
    replica,
    since: clockOf(world, replica),
    forMs: world.wait,
    done: () => {
      const isUnchanged = version === world.termsVersion;
      if (isUnchanged || !world.keeps("lowerIfUnchanged")) world.wait = ttl;
    },
  });
}
