import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";

const OWNER_KEY = "org_durability-0123456789abcdef";
const CHILD = fileURLToPath(new URL("durability-child.ts", import.meta.url));

const children: ChildProcess[] = [];
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-durability-"));
  path = join(folder, "store.db");
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  rmSync(folder, { recursive: true });
});

async function startChild(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [CHILD, path, OWNER_KEY], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, url };
}

/** Kills a child as -9 does, and waits until it is gone. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** What was acknowledged: per device its last state, and every request id. */
interface Acknowledged {
  readonly states: Map<string, string>;
  readonly requestIds: string[];
  /** Called with every acknowledgement. */
  note: () => void;
}

/** Registers, revokes, unrevokes and validates devices of its own, until the authority is gone. */
async function work(url: string, worker: number, acknowledged: Acknowledged): Promise<void> {
  const caller = { url, ownerKey: OWNER_KEY, adminKey: "" };
  for (let turn = 0; ; turn += 1) {
    const deviceId = `worker-${worker}-${Math.floor(turn / 4)}`;
    const operation = ["register", "validate", "revoke", "unrevoke"][turn % 4] ?? "";
    try {
      const pending = `${acknowledged.states.get(deviceId) ?? "absent"} or ${operation}`;
      acknowledged.states.set(deviceId, pending);
      const answer = await call(caller, "POST", `/api/v1/devices/${operation}`, { deviceId });
      if (answer.status !== 200) return;
      acknowledged.requestIds.push(String(answer.body["request_id"]));
      acknowledged.states.set(deviceId, operation === "revoke" ? "revoked" : "active");
      acknowledged.note();
    } catch {
      return;
    }
  }
}

describe("durability", () => {
  it(
    "has every acknowledged write after kill -9 under load, and a sound audit",
    { timeout: 180_000 },
    async () => {
      const acknowledged: Acknowledged = {
        states: new Map(),
        requestIds: [],
        note: () => undefined,
      };
      for (let round = 0; round < 5; round += 1) {
        const { child, url } = await startChild();
        const target = acknowledged.requestIds.length + 50 + Math.floor(Math.random() * 300);
        const enough = Promise.withResolvers<void>();
        acknowledged.note = () => {
          if (acknowledged.requestIds.length >= target) enough.resolve();
        };
        const workers = Array.from({ length: 16 }, (_, worker) =>
          work(url, round * 100 + worker, acknowledged),
        );
        await Promise.race([enough.promise, Promise.all(workers)]);
        await kill(child);
        await Promise.all(workers);

        const store = await sqliteStore(path);
        expect(await verifyAudit(store)).toMatchObject({ ok: true });
        const ids = new Set<string>();
        for (const chain of await store.auditChains()) {
          for (const { entry } of await store.auditRows(chain.id, 0, chain.seq)) {
            ids.add((JSON.parse(entry) as { request_id: string }).request_id);
          }
        }
        expect(acknowledged.requestIds.filter((id) => !ids.has(id))).toEqual([]);
        await using authority = await startTestAuthority({ store, ownerKey: OWNER_KEY });
        const list = await call(authority, "GET", "/api/v1/devices/list");
        const stored = new Map(
          (list.body["devices"] as { deviceId: string; status: string }[]).map(
            ({ deviceId, status }) => [deviceId, status],
          ),
        );
        for (const [deviceId, state] of acknowledged.states) {
          // What was under way at the kill may have happened or not.
          if (!state.includes(" or "))
            expect([deviceId, stored.get(deviceId)]).toEqual([deviceId, state]);
        }
      }
      expect(acknowledged.requestIds.length).toBeGreaterThan(250);
    },
  );

  it("is owned by one process, and free at once when that is killed", async () => {
    const { child } = await startChild();
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: "STORE_LOCKED", path });
    await kill(child);
    const store = await sqliteStore(path);
    expect(await verifyAudit(store)).toMatchObject({ ok: true, rows: 4 });
    await store.close();
  });

  it("keeps when devices were last seen over a clean restart", async () => {
    const first = await startTestAuthority({ path, ownerKey: OWNER_KEY });
    await call(first, "POST", "/api/v1/devices/register", { deviceId: "a" });
    await call(first, "POST", "/api/v1/devices/validate", { deviceId: "a" });
    const before = await call(first, "GET", "/api/v1/devices/list");
    await first.close();
    await using second = await startTestAuthority({ path, ownerKey: OWNER_KEY });
    const after = await call(second, "GET", "/api/v1/devices/list");
    expect(after.body["devices"]).toEqual(before.body["devices"]);
    expect(after.body["devices"]).toMatchObject([{ lastSeenAt: expect.any(String) }]);
  });
});
