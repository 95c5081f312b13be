import { receive } from "./world.ts";
import type { Allow, Client, Device, Reading, Replica, Request, Snapshot, World } from "./world.ts";

/* What a process that guards does. */

const GIVEN_UP = 0.01;

export function addClient(world: World, rate: number, devices: readonly Device[]): Client {
  const client: Client = {
    clocks: { rate, monotonic: 0, wall: 1000, suspended: false },
    session: world.newId(),
    n: 0,
    seenWall: 0,
    setbacks: 0,
    disturbed: false,
    replica: undefined,
    watched: new Set(devices),
    asked: new Map(),
    leases: new Map(),
    lost: new Map(),
    marks: new Map(),
    unused: [],
    acknowledged: new Map(),
    deniedStep: new Map(),
    putOff: [],
  };
  world.clients.push(client);
  return client;
}

export function readClocks(client: Client): Reading {
  const { monotonic, wall } = client.clocks;
  if (wall < client.seenWall) client.setbacks += 1;
  client.seenWall = wall;
  client.disturbed = false;
  return { monotonic, wall, setbacks: client.setbacks };
}

function isGood(world: World, client: Client, { at, term, kind }: Allow): boolean {
  const now = readClocks(client);
  if (world.keeps("wallBackEnds")) {
    if (now.setbacks !== at.setbacks || now.wall < at.wall) return false;
  }
  if (kind === "check" && !world.keeps("validMs")) return true;
  const monotonicAge = now.monotonic - at.monotonic;
  const wallAge = now.wall - at.wall;
  const age = world.keeps("bothClocks") ? Math.max(monotonicAge, wallAge) : monotonicAge;
  return age <= term * (world.keeps("clientGivesUp") ? 1 - GIVEN_UP : 1);
}

/** Connects to a replica; what is under way on an older connection may still arrive. */
export function connect(world: World, client: Client, replica: Replica): void {
  client.replica = replica;
  if (!world.keeps("nGrows")) client.n = 0;
  const { session } = client;
  world.network.push({
    deliver: () => {
      if (replica.alive) replica.sessions.set(session, client);
    },
  });
}

export function disconnect(world: World, client: Client): void {
  const { replica, session } = client;
  client.replica = undefined;
  if (replica === undefined || world.keeps("disconnectKeeps")) return;
  world.network.push({
    deliver: () => {
      replica.entries = replica.entries.filter((entry) => entry.session !== session);
    },
  });
}

/** Asks for all leases, for decisions over the channel, or for one over HTTP. */
export function ask(
  world: World,
  client: Client,
  kind: Request["kind"],
  replica: Replica,
  devices: readonly Device[],
): void {
  client.n += 1;
  const request: Request = { kind, n: client.n, client, session: client.session, devices };
  client.asked.set(client.n, { at: readClocks(client), step: world.step, devices });
  world.network.push({ deliver: () => receive(replica, request) });
}

/** A grant, or a decision, arrives. */
export function take(world: World, request: Request, read: Snapshot, term: number): void {
  const { client, n, kind, session } = request;
  const asked = client.asked.get(n);
  if (session !== client.session || asked === undefined) return;
  const at = world.keeps("countFromSending") ? asked.at : readClocks(client);
  for (const device of request.devices) {
    if (!client.watched.has(device) && kind !== "strict") continue;
    if (n < (client.marks.get(device) ?? 0)) continue;
    if (!read.allowed[device]) {
      client.deniedStep.set(device, world.step);
      if (world.keeps("discardOnDenial")) discard(world, client, device);
      continue;
    }
    const allow: Allow = { device, read, n, kind, term, at, askedStep: asked.step };
    if (kind !== "renew") client.unused.push(allow);
    else if ((client.leases.get(device)?.n ?? 0) < n) client.leases.set(device, allow);
  }
}

/** Nothing that was asked for before now is good any more. */
function discard(world: World, client: Client, device: Device): void {
  const lease = client.leases.get(device);
  if (lease !== undefined) client.lost.set(device, lease);
  client.leases.delete(device);
  if (world.keeps("discardArrived")) {
    client.unused = client.unused.filter((allow) => allow.device !== device);
  }
  if (world.keeps("discardUnderWay")) client.marks.set(device, client.n + 1);
}

export function takeStop(
  world: World,
  client: Client,
  session: number,
  replica: Replica,
  version: number,
  devices: readonly Device[],
): void {
  if (session !== client.session) return;
  const named = devices.filter((device) => client.watched.has(device));
  const obey = (): void => {
    for (const device of named) discard(world, client, device);
  };
  if (world.keeps("ackWhenTrue")) obey();
  else client.putOff.push(obey);
  for (const device of named) {
    client.acknowledged.set(device, Math.max(version, client.acknowledged.get(device) ?? 0));
  }
  world.network.push({
    deliver: () => {
      const isMeant = (device: Device): boolean =>
        !world.keeps("ackNamesDevices") || named.includes(device);
      const isMine = (owner: number | undefined): boolean =>
        owner === session || (owner !== undefined && !world.keeps("ackOfSession"));
      replica.entries = replica.entries.filter(
        (entry) => !(isMine(entry.session) && isMeant(entry.device) && entry.version < version),
      );
    },
  });
}

export function takeAllow(world: World, client: Client, devices: readonly Device[]): void {
  if (world.keeps("allowIsHint")) return;
  for (const device of devices) {
    const lease = client.lost.get(device);
    if (lease !== undefined) client.leases.set(device, lease);
  }
}

export function unwatch(world: World, client: Client, device: Device, replica: Replica): void {
  client.n += 1;
  const { n, session } = client;
  client.watched.delete(device);
  client.leases.delete(device);
  client.lost.delete(device);
  client.unused = client.unused.filter((allow) => allow.device !== device);
  if (world.keeps("discardOnUnwatch")) client.marks.set(device, n);
  world.network.push({
    deliver: () => {
      replica.entries = replica.entries.filter(
        (entry) =>
          entry.session !== session ||
          entry.device !== device ||
          (world.keeps("unwatchCarriesN") && entry.n >= n),
      );
    },
  });
}

/** Begins a body, if there is an allow for it. */
export function tryToBegin(world: World, client: Client, device: Device): void {
  const lease = client.leases.get(device);
  if (lease !== undefined) {
    if (isGood(world, client, lease)) world.begin(client, lease);
    return;
  }
  const answer = client.unused.find((allow) => allow.device === device);
  if (answer === undefined) return;
  client.unused = client.unused.filter((allow) => allow !== answer);
  if (isGood(world, client, answer)) world.begin(client, answer);
}

/** What a client does that extends a lease by itself. */
export function extend(client: Client): void {
  const at = readClocks(client);
  for (const lease of client.leases.values()) lease.at = at;
}

/** kill -9 and a new process. */
export function restart(world: World, client: Client): void {
  client.session = world.newId();
  client.n = 0;
  client.replica = undefined;
  for (const state of [client.asked, client.leases, client.lost, client.marks]) state.clear();
  client.acknowledged.clear();
  client.deniedStep.clear();
  client.unused = [];
  client.putOff = [];
}
