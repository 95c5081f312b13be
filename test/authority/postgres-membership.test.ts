import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { moveStore, sqliteStore } from "../../src/authority/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { Cluster } from "./history/cluster.ts";
import { OWNER_KEY, Replicas, WAIT_MS } from "./replicas-fixture.ts";

describe("a stop while replicas begin and end", () => {
  let replicas: Replicas;

  beforeEach(async () => {
    replicas = await Replicas.onDatabase();
  });
  afterEach(() => replicas[Symbol.asyncDispose]());

  it("waits for one that was there before it, and whom nobody has heard of", async () => {
    const [one] = await replicas.startThree();
    await replicas.database.sql("INSERT INTO machineid.replicas VALUES ('ghost', 'in', 0)");
    const { version } = await replicas.revoke(one);
    await replicas.stays(one, version);
    await replicas.rowsUntil((all) =>
      all.some(({ id, state }) => id === "ghost" && state === "out"),
    );
    // What it gave is in use until the wait is over.
    await replicas.stays(one, version);
    replicas.monotonicMs += WAIT_MS;
    await replicas.rowsUntil((all) =>
      all.some(({ id, state }) => id === "ghost" && state === "gone"),
    );
    await replicas.post(one, "devices/unrevoke", { deviceId: "a" });
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("does not wait for one that begins after it was made", async () => {
    const [one, two] = await replicas.startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    const { version } = await replicas.revoke(one);
    await replicas.start();
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    expect(await replicas.until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("is never drained where one ended whose holders nobody knows", async () => {
    const [one, two] = await replicas.startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await replicas.database.sql("INSERT INTO machineid.replicas VALUES ('ghost', 'out', 0)");
    const { version } = await replicas.revoke(one);
    await holder.next("stop");
    holder.ack(version, ["a"], "drained");
    // Nobody tells when the wait begins.
    await replicas.rowsUntil((all) => {
      replicas.monotonicMs += WAIT_MS;
      return all.some(({ id, state }) => id === "ghost" && state === "gone");
    });
    for (const replica of [one, two]) {
      expect(await replicas.until(replica, version, "fenced")).toMatchObject({
        holders: 1,
        drained: 1,
      });
      await replicas.stays(replica, version, "fenced");
    }
  });

  it("waits its whole time when one was killed, and is soon fenced again when that is over", async () => {
    const [one] = await replicas.startThree();
    await using cluster = await Cluster.start([replicas.database.url]);
    const known = await replicas.rows();
    expect(known).toHaveLength(4);
    const killed = { ...one, url: cluster.urlOf(0) };
    await replicas.post(killed, "devices/validate", { deviceId: "a" });
    await cluster.kill(0);
    const { version } = await replicas.revoke(one);
    await replicas.stays(one, version);
    await replicas.rowsUntil((all) => all.some(({ state }) => state === "out"));
    await replicas.stays(one, version);
    replicas.monotonicMs += WAIT_MS;
    await replicas.rowsUntil((all) => all.filter(({ state }) => state !== "gone").length === 3);
    await replicas.post(one, "devices/unrevoke", { deviceId: "a" });
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("does not wait for one that ended cleanly with nothing in use", async () => {
    const [one, two] = await replicas.startThree();
    await two.close();
    expect(await replicas.rows()).toHaveLength(2);
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("does not wait for one that ended cleanly when its strict allows were over", async () => {
    const [one, two] = await replicas.startThree();
    await replicas.post(two, "devices/validate", { deviceId: "a" });
    const closed = two.close();
    replicas.monotonicMs += 2_021;
    await closed;
    expect(await replicas.rows()).toHaveLength(2);
    expect(await replicas.revoke(one, "drained")).toMatchObject({ state: "drained" });
  });

  it("waits for what one had in use that ended cleanly", async () => {
    const [one, two] = await replicas.startThree();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await two.close();
    await holder.close();
    const { version } = await replicas.revoke(one);
    await replicas.stays(one, version);
    replicas.monotonicMs += WAIT_MS;
    expect(await replicas.until(one, version, "fenced")).toMatchObject({ drained: 0 });
  });

  it("one that was taken for ended gives nothing under its old name, and works on under a new one", async () => {
    const [one, two] = await replicas.startThree();
    const before = await replicas.rows();
    await using holder = await LeaseClient.holding(two.url, OWNER_KEY, ["a"]);
    await replicas.database.sql("UPDATE machineid.replicas SET state = 'out'");
    const answers = await Promise.all(
      [one, two].map((replica) => replicas.post(replica, "devices/validate", { deviceId: "a" })),
    );
    expect(answers.map(({ body }) => body["allowed"])).toEqual([true, true]);
    await replicas.rowsUntil((all) => all.filter(({ state }) => state === "in").length === 3);
    const after = await replicas.rows();
    const names = new Set(before.map(({ id }) => id));
    expect(after.filter(({ id, state }) => names.has(id) && state === "in")).toEqual([]);
    // What it gave under its old name is waited for.
    const { version } = await replicas.revoke(one);
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    await replicas.stays(one, version);
  });

  it("one that is out and cannot enter again allows nothing", async () => {
    const [one] = await replicas.startThree();
    await replicas.database.sql(
      `ALTER TABLE machineid.replicas ADD CONSTRAINT shut CHECK (state <> 'in') NOT VALID;
       UPDATE machineid.replicas SET state = 'out'`,
    );
    const { body } = await replicas.post(one, "devices/validate", { deviceId: "a" });
    expect(body).toMatchObject({ allowed: false, code: "STORE_UNAVAILABLE" });
    await using client = await LeaseClient.open(one.url, OWNER_KEY).catch(() => undefined);
    expect(client).toBeUndefined();
    await replicas.database.sql("ALTER TABLE machineid.replicas DROP CONSTRAINT shut");
  });

  it("waits for what was given from a file that the store was moved from", async () => {
    const folder = mkdtempSync(join(tmpdir(), "machineid-moved-"));
    const path = join(folder, "store.db");
    const file = await startTestAuthority({
      store: await sqliteStore(path),
      ownerKey: OWNER_KEY,
    });
    await replicas.post(file, "devices/register", { deviceId: "a" });
    await file.close();
    await moveStore({ from: path, to: { url: replicas.database.url } });
    rmSync(folder, { recursive: true });
    expect(await replicas.rows()).toEqual([{ id: "moved", state: "in" }]);
    const replica = await replicas.start();
    const { version } = await replicas.revoke(replica);
    await replicas.stays(replica, version);
    await replicas.rowsUntil((all) => all.some(({ state }) => state === "out"));
    await replicas.stays(replica, version);
    replicas.monotonicMs += WAIT_MS;
    await replicas.rowsUntil((all) => all.some(({ state }) => state === "gone"));
    await replicas.post(replica, "devices/unrevoke", { deviceId: "a" });
    expect(await replicas.revoke(replica, "drained")).toMatchObject({ state: "drained" });
  });
});
