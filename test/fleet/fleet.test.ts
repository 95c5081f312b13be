import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { postgresStore, sqliteStore } from "../../src/authority/index.ts";
import { prepareOrg } from "../authority/history/history-of.ts";
import { createDatabase } from "../support/postgres.ts";
import { CAP, setScene } from "./scene.ts";

/** Stops that are waited for between one fault and the next. */
const CALM = 6;

/** An empty store in a file, with one org. */
async function createFile(): Promise<AsyncDisposable & { path: string; orgKey: string }> {
  const folder = mkdtempSync(join(tmpdir(), "machineid-fleet-"));
  const path = join(folder, "store.db");
  const store = await sqliteStore(path);
  const { ownerKey } = await prepareOrg(store, CAP);
  await store.close();
  return {
    path,
    orgKey: ownerKey,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
    },
  };
}

describe("a thousand guards under lease", () => {
  it(
    "begin nothing after a stop is known to have worked, on one authority behind a bad network",
    { timeout: 180_000 },
    async () => {
      await using file = await createFile();
      await using scene = await setScene({ databases: [file.path], orgKey: file.orgKey });
      const { proxies, fleet, cluster } = scene;
      const [first, second, third] = proxies;
      const faults: (() => unknown)[] = [
        () => proxies.forEach((proxy) => proxy.setLate(30)),
        () => first?.cut(),
        () => second?.cutHalfOpen(),
        () => fleet.workers[2]?.freeze(),
        () => third?.freeze(),
        () => fleet.workers[2]?.thaw(),
        () => third?.thaw(),
        () => proxies.forEach((proxy) => proxy.cutHalfOpen()),
        () => cluster.kill(0).then(() => scene.restart(0)),
        () => fleet.workers[3]?.freeze(),
        () => cluster.kill(0).then(() => scene.restart(0)),
        () => fleet.workers[3]?.thaw(),
      ];
      for (const fault of faults) {
        await scene.stops(CALM);
        await fault();
      }
      await scene.stops(CALM);
      expect(await scene.violations()).toEqual([]);
    },
  );

  it(
    "begin nothing after a stop is known to have worked, on three replicas that are killed",
    { timeout: 180_000 },
    async () => {
      await using database = await createDatabase();
      const store = await postgresStore({ url: database.url });
      const { ownerKey } = await prepareOrg(store, CAP);
      await store.close();
      const databases = Array.from({ length: 3 }, () => database.url);
      await using scene = await setScene({ databases, orgKey: ownerKey });
      const { proxies, fleet, cluster } = scene;
      const faults: (() => unknown)[] = [
        () => cluster.kill(0),
        () => proxies[1]?.cutHalfOpen(),
        () => scene.restart(0),
        () => fleet.workers[1]?.freeze(),
        () => cluster.kill(1),
        () => cluster.kill(2).then(() => fleet.workers[1]?.thaw()),
        () => Promise.all([scene.restart(1), scene.restart(2)]),
        () => proxies.forEach((proxy) => proxy.cut()),
      ];
      for (const fault of faults) {
        await scene.stops(CALM);
        await fault();
      }
      await scene.stops(CALM);
      expect(await scene.violations()).toEqual([]);
    },
  );
});

describe("the checker", () => {
  it("shows agents that keep the allow they once had", { timeout: 120_000 }, async () => {
    await using file = await createFile();
    await using scene = await setScene({
      databases: [file.path],
      orgKey: file.orgKey,
      fault: "deaf",
    });
    await scene.stops(CALM);
    expect(await scene.violations()).toContainEqual(expect.stringMatching(/^began .* after /));
  });

  it(
    "shows a stop that is taken for fenced when it is only made",
    { timeout: 120_000 },
    async () => {
      await using file = await createFile();
      await using scene = await setScene({
        databases: [file.path],
        orgKey: file.orgKey,
        isHasty: true,
      });
      for (const proxy of scene.proxies) proxy.cutHalfOpen();
      await scene.stops(4);
      await delay(200);
      expect(await scene.violations()).toContainEqual(expect.stringContaining("after fenced"));
    },
  );
});
