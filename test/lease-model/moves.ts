import {
  ask,
  connect,
  disconnect,
  extend,
  readClocks,
  restart,
  tryToBegin,
  unwatch,
} from "./guards.ts";
import {
  addReplica,
  answer,
  answerEarly,
  beginChange,
  changeTerms,
  commitChange,
  crash,
  execute,
  isWaited,
  learn,
  leave,
  removeRow,
  report,
  seeCommitted,
  sendRead,
} from "./replicas.ts";
import type { Client, Device, Replica, World } from "./world.ts";

/* Everything that can happen next. A schedule picks a kind of move, and then one of them. */

type Move = () => void;

const DEVICES: readonly Device[] = ["a", "b"];
const MAX_REPLICAS = 3;
/** Just after a deadline, or just before. */
const MOMENT = 1e-6;

const alive = (world: World): Replica[] => world.replicas.filter((replica) => replica.alive);
const awake = (world: World): Client[] =>
  world.clients.filter((client) => !client.clocks.suspended);

/** Instants at which something changes by the passing of time alone, and a few others. */
function* instants(world: World): Generator<number> {
  yield 0.1;
  yield 1;
  for (const { replica, since, forMs } of world.waits) {
    const { monotonic, wall, rate } = replica.clocks;
    const clock = world.keeps("authorityMonotonic") ? monotonic : wall;
    for (const added of [1, 1.01]) yield (forMs * added - (clock - since)) / rate + MOMENT;
  }
  for (const { clocks, leases, unused } of awake(world)) {
    for (const { at, term } of [...leases.values(), ...unused]) {
      for (const kept of [0.99, 1]) {
        yield (term * kept - (clocks.monotonic - at.monotonic)) / clocks.rate - MOMENT;
      }
    }
  }
  for (const { clocks, entries } of alive(world)) {
    for (const { since, term } of entries) {
      yield (term * 1.01 - (clocks.monotonic - since)) / clocks.rate + MOMENT;
    }
  }
}

export const MOVES = {
  advance: (world) =>
    [
      ...new Set([...instants(world)].filter((ms) => ms > 0).map((ms) => Number(ms.toFixed(9)))),
    ].map((ms) => () => world.advance(ms)),
  deliver: (world) =>
    world.network.map((message) => () => {
      world.network = world.network.filter((other) => other !== message);
      message.deliver();
    }),
  connect: (world) =>
    awake(world).flatMap((client) =>
      alive(world)
        .filter((replica) => replica !== client.replica)
        .map((replica) => () => connect(world, client, replica)),
    ),
  disconnect: (world) =>
    awake(world)
      .filter(({ replica }) => replica !== undefined)
      .map((client) => () => disconnect(world, client)),
  renew: (world) => overChannel(world, "renew"),
  check: (world) => overChannel(world, "check"),
  strict: (world) =>
    awake(world).flatMap((client) =>
      alive(world).map((replica) => () => ask(world, client, "strict", replica, ["a"])),
    ),
  begin: (world) =>
    awake(world).flatMap((client) =>
      DEVICES.filter(
        (device) =>
          client.leases.has(device) || client.unused.some((allow) => allow.device === device),
      ).map((device) => () => tryToBegin(world, client, device)),
    ),
  obey: (world) =>
    awake(world).flatMap((client) =>
      client.putOff.map((obey) => () => {
        client.putOff = client.putOff.filter((other) => other !== obey);
        obey();
      }),
    ),
  extend: (world) =>
    world.keeps("noExtension") ? [] : awake(world).map((client) => () => extend(client)),
  unwatch: (world) =>
    awake(world).flatMap((client) => {
      const { replica } = client;
      if (replica === undefined) return [];
      return [...client.watched].map((device) => () => unwatch(world, client, device, replica));
    }),
  watch: (world) =>
    awake(world).flatMap((client) =>
      DEVICES.filter((device) => !client.watched.has(device)).map(
        (device) => () => void client.watched.add(device),
      ),
    ),
  restartClient: (world) => awake(world).map((client) => () => restart(world, client)),
  // Not promised: a sleep together with a wall clock set back, before the client looks.
  suspend: (world) =>
    awake(world)
      .filter(({ disturbed }) => !disturbed)
      .map((client) => () => {
        client.disturbed = true;
        client.clocks.suspended = true;
      }),
  wake: (world) =>
    world.clients
      .filter(({ clocks }) => clocks.suspended)
      .map(({ clocks }) => () => {
        clocks.suspended = false;
      }),
  setWallBack: (world) =>
    awake(world)
      .filter(({ disturbed }) => !disturbed)
      .flatMap((client) =>
        [1, 8, 20].map((ms) => () => {
          client.disturbed = true;
          client.clocks.wall -= ms;
        }),
      ),
  look: (world) => awake(world).map((client) => () => void readClocks(client)),
  jumpAuthority: (world) =>
    alive(world).map(({ clocks }) => () => {
      clocks.wall += 20;
    }),
  read: (world) =>
    alive(world)
      .filter(({ arrived }) => arrived.length > 0)
      .map((replica) => () => sendRead(world, replica)),
  execute: (world) =>
    alive(world).flatMap((replica) =>
      replica.reads
        .filter(({ snapshot }) => snapshot === undefined)
        .map((read) => () => execute(world, replica, read)),
    ),
  answer: (world) =>
    alive(world).flatMap((replica) =>
      replica.reads
        .filter(({ snapshot }) => snapshot !== undefined)
        .map((read) => () => answer(world, replica, read)),
    ),
  learn: (world) =>
    alive(world)
      .filter(({ storeAway }) => !storeAway)
      .map((replica) => () => learn(world, replica)),
  report: (world) => alive(world).map((replica) => () => report(world, replica)),
  revoke: (world) =>
    alive(world).flatMap((replica) =>
      DEVICES.map((device) => () => beginChange(world, replica, "stop", [device], 0)),
    ),
  revokeBoth: (world) =>
    alive(world).map((replica) => () => beginChange(world, replica, "stop", DEVICES, 0)),
  restore: (world) =>
    DEVICES.flatMap((device) => {
      const stop = world.latest(device);
      if (stop?.kind !== "stop") return [];
      return alive(world).map((replica) => () => {
        world.restores.push(() => beginChange(world, replica, "restore", [device], stop.version));
      });
    }),
  restoreArrives: (world) =>
    world.restores.map((arrive) => () => {
      world.restores = world.restores.filter((other) => other !== arrive);
      arrive();
    }),
  commit: (world) =>
    world.changes
      .filter(({ committed }) => committed === undefined)
      .map((change) => () => commitChange(world, change)),
  rollBack: (world) =>
    world.changes
      .filter(({ committed }) => committed === undefined)
      .map((change) => () => {
        world.changes = world.changes.filter((other) => other !== change);
      }),
  see: (world) =>
    world.changes
      .filter(({ committed }) => committed !== undefined)
      .map((change) => () => seeCommitted(world, change)),
  elapse: (world) =>
    world.waits
      .filter((wait) => isWaited(world, wait))
      .map((wait) => () => {
        world.waits = world.waits.filter((other) => other !== wait);
        wait.done();
      }),
  early: (world) => world.waits.map((wait) => () => answerEarly(world, wait)),
  boot: (world) =>
    world.replicas.length < MAX_REPLICAS ? [() => void addReplica(world, 1, false)] : [],
  join: (world) =>
    alive(world)
      .filter(({ id, leaving }) => !leaving && !world.rows.has(id))
      .map(
        ({ id }) =>
          () =>
            world.enter(id),
      ),
  crash: (world) => alive(world).map((replica) => () => crash(world, replica)),
  remove: (world) =>
    alive(world).flatMap((replica) =>
      [...world.rows.keys()]
        .filter((id) => id !== replica.id)
        .map((id) => () => removeRow(world, replica, id)),
    ),
  leave: (world) => alive(world).map((replica) => () => leave(world, replica)),
  terms: (world) =>
    alive(world).flatMap((replica) => [4, 10].map((ttl) => () => changeTerms(world, replica, ttl))),
  storeAway: (world) =>
    alive(world).map((replica) => () => {
      replica.storeAway = !replica.storeAway;
    }),
} as const satisfies Record<string, (world: World) => Move[]>;

export type MoveName = keyof typeof MOVES;

function overChannel(world: World, kind: "renew" | "check"): Move[] {
  return awake(world).flatMap((client) => {
    const { replica, watched } = client;
    if (replica === undefined || watched.size === 0) return [];
    return [() => ask(world, client, kind, replica, [...watched])];
  });
}
