import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { postgresStore, sqliteStore } from "../../../src/authority/index.ts";
import { PostgresServer } from "../../support/postgres-server.ts";
import { createDatabase } from "../../support/postgres.ts";
import { Cluster } from "./cluster.ts";
import { holdTurn } from "./hold-turn.ts";
import { historyOf, prepareOrg } from "./history-of.ts";
import { allowedAfterRevoke, violationsIn } from "./history.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { Workload } from "./workload.ts";

const REPLICAS = 3;
const CAP = 12;
const LOAD = { devices: 5, checkersPerDevice: 3, registrars: 8 };
/** Decisions between one fault and the next. */
const CALM = 300;

describe("the history that all clients saw", () => {
  it(
    "is sound on three replicas, while they are killed, their server restarts and connections are cut",
    { timeout: 180_000 },
    async () => {
      await using server = await PostgresServer.start();
      await using database = await createDatabase(server.url());
      const setUp = await postgresStore({ url: database.url });
      const org = await prepareOrg(setUp, CAP);
      await setUp.close();
      const proxies = await Promise.all(
        Array.from({ length: REPLICAS }, () => TcpProxy.open(server.port)),
      );
      await using stack = new AsyncDisposableStack();
      for (const proxy of proxies) stack.use(proxy);
      const databases = proxies.map(({ port }) => {
        const url = new URL(database.url);
        url.port = String(port);
        return url.href;
      });
      await using cluster = await Cluster.start(databases);
      const work = new Workload({ ...LOAD, urls: () => cluster.urls, ownerKey: org.ownerKey });
      let turn: AsyncDisposable | undefined;
      const faults = [
        async () => void (turn = await holdTurn(database.url)),
        () => turn?.[Symbol.asyncDispose](),
        () => cluster.kill(0),
        () => cluster.start(0),
        () => proxies[1]?.cutHalfOpen(),
        () => server.stop().then(() => server.restart()),
        () => cluster.kill(2),
        () => server.crash().then(() => server.restart()),
        () => cluster.start(2),
        () => proxies.forEach((proxy) => proxy.cutHalfOpen()),
        () => Promise.all([cluster.kill(1), cluster.kill(2)]),
        () => Promise.all([cluster.start(1), cluster.start(2)]),
      ];
      for (const fault of faults) {
        await work.decisions(CALM);
        await fault();
      }
      await work.decisions(CALM);
      await work.stop();

      const store = await postgresStore({ url: database.url });
      const history = await historyOf(store, org, work.operations);
      await store.close();
      expect(violationsIn(history)).toEqual([]);
      // The work was of the kind that could have gone wrong.
      const count = (operation: string): number =>
        work.operations.filter((each) => each.operation === operation && each.made === true).length;
      expect(Math.min(count("revoke"), count("unrevoke"), count("register"))).toBeGreaterThan(20);
      const unknown = work.operations.filter(({ answeredAt }) => answeredAt === Infinity);
      expect(unknown.length).toBeGreaterThan(0);
    },
  );

  it("is sound on SQLite, while its process is killed", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "machineid-history-"));
    const path = join(folder, "store.db");
    const setUp = await sqliteStore(path);
    const org = await prepareOrg(setUp, CAP);
    await setUp.close();
    {
      await using cluster = await Cluster.start([path]);
      const work = new Workload({ ...LOAD, urls: () => cluster.urls, ownerKey: org.ownerKey });
      for (let turn = 0; turn < 4; turn += 1) {
        await work.decisions(CALM);
        await cluster.kill(0);
        await cluster.start(0);
      }
      await work.decisions(CALM);
      await work.stop();
      await cluster.kill(0);
      const store = await sqliteStore(path);
      const history = await historyOf(store, org, work.operations);
      await store.close();
      expect(violationsIn(history)).toEqual([]);
      expect(history.log.length).toBeGreaterThan(50);
    }
    rmSync(folder, { recursive: true });
  });

  it("shows a replica that keeps its decisions for 50 ms", { timeout: 120_000 }, async () => {
    await using database = await createDatabase();
    const setUp = await postgresStore({ url: database.url });
    const org = await prepareOrg(setUp, CAP);
    const databases = Array.from({ length: REPLICAS }, () => database.url);
    await using cluster = await Cluster.start(databases, 50);
    const work = new Workload({ ...LOAD, urls: () => cluster.urls, ownerKey: org.ownerKey });
    for (let turn = 0; turn < 40 && allowedAfterRevoke(work.operations).length === 0; turn += 1) {
      await work.decisions(CALM);
    }
    await work.stop();
    const found = violationsIn(await historyOf(setUp, org, work.operations));
    await setUp.close();
    expect(found).toContainEqual(expect.stringContaining("was allowed after revoke"));
    expect(found).toContainEqual(expect.stringContaining("which was known"));
    expect(found).toContainEqual(expect.stringContaining("is not in the audit"));
  });
});
