import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { Cluster } from "../authority/history/cluster.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { deviceIdsOf, Fleet } from "./fleet.ts";
import { violationsOf } from "./fleet-history.ts";
import type { Stop } from "./fleet-history.ts";
import { Operator } from "./operator.ts";
import type { OperatorOptions } from "./operator.ts";

export const PROCESSES = 4;
const DEVICES_PER_PROCESS = 250;
export const CAP = PROCESSES * DEVICES_PER_PROCESS;
/** A fleet at work, operators who stop and restore its devices, and a network between it and its authority. */
export interface Scene extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly proxies: readonly TcpProxy[];
  readonly fleet: Fleet;
  readonly operators: readonly Operator[];
  /** Waits for so many more stops that are known to have worked. */
  stops(count: number): Promise<void>;
  /** Starts a replica that was killed, where its clients look for it. */
  restart(place: number): Promise<void>;
  /** Ends the work, and says what was wrong with it. */
  violations(): Promise<string[]>;
}

export interface SceneOptions {
  readonly databases: readonly string[];
  readonly orgKey: string;
  /** A fault of the agents, to be found. */
  readonly fault?: "deaf";
  /** A fault of the operators, to be found. */
  readonly isHasty?: boolean;
  readonly waits?: readonly OperatorOptions["wait"][];
}

export async function setScene(options: SceneOptions): Promise<Scene> {
  const { databases, orgKey, fault, isHasty = false, waits = ["fenced", "drained"] } = options;
  const stack = new AsyncDisposableStack();
  const cluster = stack.use(await Cluster.start(databases));
  const portOf = (place: number): number =>
    Number(new URL(cluster.urlOf(place % databases.length)).port);
  const proxies = await Promise.all(
    Array.from({ length: PROCESSES }, (_, place) => TcpProxy.open(portOf(place))),
  );
  for (const proxy of proxies) stack.use(proxy);
  const fleet = stack.use(
    await Fleet.start({
      baseUrls: proxies.map(({ port }) => `http://127.0.0.1:${port}`),
      orgKey,
      devicesPerProcess: DEVICES_PER_PROCESS,
      ...(fault === undefined ? {} : { fault }),
    }),
  );
  const operators = proxies.map((_, place) => {
    const deviceIds = deviceIdsOf(place, DEVICES_PER_PROCESS);
    const wait = waits[place % waits.length] ?? "fenced";
    return new Operator({ urls: () => cluster.urls, orgKey, deviceIds, wait, isHasty });
  });
  const known = (): readonly Stop[] =>
    operators.flatMap(({ stops }) => stops.filter(({ state }) => state !== "pending"));
  return {
    cluster,
    proxies,
    fleet,
    operators,
    async stops(count) {
      for (const enough = known().length + count; known().length < enough;) await delay(20);
    },
    async restart(place) {
      await cluster.start(place);
      for (const [at, proxy] of proxies.entries()) {
        if (at % databases.length === place) proxy.targetPort = portOf(place);
      }
    },
    async violations() {
      await Promise.all(operators.map((operator) => operator.end()));
      const bodies = await fleet.bodies();
      expect(bodies.length).toBeGreaterThanOrEqual(CAP);
      return violationsOf(
        bodies,
        operators.flatMap(({ stops }) => stops),
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
