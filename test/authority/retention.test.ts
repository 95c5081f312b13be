import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthority, sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import type { AuditChain, AuthorityLogger, Store } from "../../src/authority/index.ts";
import { Signer } from "../../src/authority/signing/signer.ts";
import { MachineID } from "../../src/index.ts";
import { SIGNATURE_TYPES } from "../../src/wire/index.ts";
import { cutAudit, decideOften, makeHistory } from "../support/audit.ts";
import { editEntries } from "../support/audit-file.ts";
import { call, startTestAuthority } from "../support/authority.ts";

const DAY_MS = 86_400_000;

let folder: string;
let path: string;
let at: number;
const now = (): number => at;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-retention-"));
  path = join(folder, "store.db");
  at = 1_800_000_000_000;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function edit(...statements: string[]): void {
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

/** Changes one entry of the org's chain. */
function falsify(seq: number): void {
  editEntries(path, (one) =>
    one.chainId === 2 && one.seq === seq ? one.entry.replace("ALLOW", "OTHER") : one.entry,
  );
}

/** Writes so many decisions, then lets so many days pass. */
async function decide(count: number, days: number): Promise<void> {
  await using authority = await startTestAuthority({ path, now, ownerKey: "org_0123456789abcdef" });
  const client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
  await client.register("a");
  await decideOften(authority.store, authority.ownerKey, "a", count, at);
  at += days * DAY_MS;
}

/** Works on the store of the file, which nobody else has open. */
async function withStore<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await sqliteStore(path);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const chainIn = async (store: Store): Promise<AuditChain> => {
  const chain = (await store.auditChains()).find(({ orgId }) => orgId !== "");
  if (chain === undefined) throw new Error("no chain");
  return chain;
};

interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

function recordingLogger(): { logger: AuthorityLogger; lines: Logged[] } {
  const lines: Logged[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields });
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger, lines };
}

describe("audit retention", () => {
  it("removes what is old and nothing else, in slices, and the rest verifies", async () => {
    await decide(1_700, 10);
    await decide(20, 0);
    await withStore(async (store) => {
      const before = await chainIn(store);
      const { logger, lines } = recordingLogger();
      const cuts: number[] = [];
      const cutStored = store.cutAudit.bind(store);
      store.cutAudit = async (cut) => {
        await cutStored(cut);
        cuts.push(cut.seq);
        expect(await verifyAudit(store)).toMatchObject({ ok: true });
      };
      const removed = await cutAudit(store, 5 * DAY_MS, now, logger);
      expect(removed).toBe(1_702);
      expect(cuts.length).toBeGreaterThan(3);
      expect(cuts).toEqual(cuts.toSorted((one, other) => one - other));
      const chain = await chainIn(store);
      expect(chain).toMatchObject({ cut: 1_702, seq: before.seq, head: before.head });
      expect(await store.auditRows(chain.id, 0, 10_000)).toHaveLength(21);
      expect(lines).toContainEqual({
        level: "info",
        message: "old audit entries removed",
        fields: expect.objectContaining({ removed: 1_702 }),
      });
      expect(await cutAudit(store, 5 * DAY_MS, now)).toBe(0);
    });
    expect(await verifyAudit(path)).toMatchObject({ ok: true });
  }, 60_000);

  it("takes what another replica removed meanwhile for no break, and neither does verification", async () => {
    await decide(700, 10);
    for (const work of ["sweep", "verify"]) {
      await withStore(async (store) => {
        const before = await chainIn(store);
        const rows = store.auditRows.bind(store);
        let isFirst = true;
        store.auditRows = async (id, after, limit) => {
          if (isFirst && id === before.id) {
            isFirst = false;
            // The other one is a bit ahead.
            await cutAudit(store, (work === "sweep" ? 5 : 3) * DAY_MS, now);
          }
          return rows(id, after, limit);
        };
        const { logger, lines } = recordingLogger();
        if (work === "sweep") await cutAudit(store, 5 * DAY_MS, now, logger);
        else expect(await verifyAudit(store)).toMatchObject({ ok: true });
        expect(lines.filter(({ level }) => level === "error")).toEqual([]);
        expect((await chainIn(store)).cut).toBeGreaterThan(before.cut);
      });
      await decide(50, 4);
    }
  });

  it("keeps the last entry of a chain, however old", async () => {
    await decide(3, 1_000);
    await withStore(async (store) => {
      expect(await cutAudit(store, DAY_MS, now)).toBe(4);
      expect(await cutAudit(store, DAY_MS, now)).toBe(0);
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });
  });

  it("removes nothing when nothing is old, or all is to be kept", async () => {
    await decide(3, 10);
    await withStore(async (store) => {
      expect(await cutAudit(store, 20 * DAY_MS, now)).toBe(0);
      expect(await cutAudit(store, undefined, now)).toBe(0);
      expect(await chainIn(store)).toMatchObject({ cut: 0, checkpoint: null });
    });
  });

  it("does not remove the evidence of a change, and says that the chain is broken", async () => {
    await decide(700, 10);
    for (const seq of [3, 250, 500, 501, 502]) falsify(seq);
    await withStore(async (store) => {
      const { logger, lines } = recordingLogger();
      expect(await cutAudit(store, DAY_MS, now, logger)).toBe(2);
      expect(lines).toContainEqual({
        level: "error",
        message: "audit chain is broken; nothing from there on is removed",
        fields: expect.objectContaining({ seq: 3 }),
      });
      expect(await verifyAudit(store)).toMatchObject({ ok: false, problem: { seq: 3 } });
    });
  });

  it.each([500, 501, 502])("finds a change at the edge of a slice, in entry %i", async (seq) => {
    await decide(700, 10);
    falsify(seq);
    await withStore(async (store) => {
      await cutAudit(store, DAY_MS, now);
      expect((await chainIn(store)).cut).toBeLessThan(seq);
      expect(await verifyAudit(store)).toMatchObject({ ok: false, problem: { seq } });
    });
  });

  it("builds on no checkpoint that the authority did not sign, and verification names it", async () => {
    await decide(30, 10);
    const other = new Signer(await sqliteStore(":memory:"), now);
    const { writer, orgId } = await withStore(chainIn);
    const { head } = await withStore(async (store) => {
      await cutAudit(store, DAY_MS, now);
      return chainIn(store);
    });
    const sign = (by: Signer, type: keyof typeof SIGNATURE_TYPES, claims: object) =>
      by.sign(SIGNATURE_TYPES[type], {
        org: orgId,
        chain: writer,
        head,
        seq: 31,
        iat: 1,
        ...claims,
      });
    const own = await withStore(async (store) => {
      const signer = new Signer(store, now);
      return [
        await sign(signer, "statement", {}),
        await sign(signer, "checkpoint", { seq: 30 }),
        await sign(signer, "checkpoint", { org: "other" }),
        await sign(signer, "checkpoint", { chain: "other" }),
        await sign(signer, "checkpoint", { head: "0".repeat(64) }),
      ];
    });
    for (const forged of [await sign(other, "checkpoint", {}), ...own, "", "e30.e30.AA"]) {
      edit(`UPDATE audit_chains SET checkpoint = '${forged}' WHERE id = 2`);
      await withStore(async (store) => {
        const before = await chainIn(store);
        const { logger, lines } = recordingLogger();
        expect(await cutAudit(store, 1, now, logger)).toBe(0);
        expect(await chainIn(store)).toEqual(before);
        expect(lines.map(({ level }) => level)).toContain("error");
        expect(await verifyAudit(store)).toMatchObject({
          ok: false,
          problem: { orgId, writer, seq: expect.any(Number) },
        });
      });
    }
  });

  it("signs checkpoints anew after the key was rotated, so that the old one may go", async () => {
    const first = await startTestAuthority({ path, now });
    await makeHistory(first);
    await first.close();
    at += 10 * DAY_MS;
    await withStore((store) => cutAudit(store, DAY_MS, now));
    await using authority = await startTestAuthority({ path, now });
    const before = await chainIn(authority.store);
    await cutAudit(authority.store, DAY_MS, now);
    expect(await chainIn(authority.store)).toEqual(before);
    const admin = { ...authority, adminKey: first.adminKey };
    const rotated = await call(admin, "POST", "/api/v1/authority/rotate_key", { overlap_hours: 0 });
    expect(rotated.body).toMatchObject({ status: "ok" });
    await cutAudit(authority.store, undefined, now);
    const after = await chainIn(authority.store);
    expect(after).toEqual({ ...before, checkpoint: expect.any(String) });
    const [header = ""] = after.checkpoint?.split(".") ?? [];
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toMatchObject({
      kid: rotated.body["kid"],
    });
    expect(await verifyAudit(authority.store)).toMatchObject({ ok: true });
  });

  it("is what an authority with such an option does as soon as it listens", async () => {
    await decide(30, 10);
    const { logger, lines } = recordingLogger();
    const removed = Promise.withResolvers<void>();
    const noting: AuthorityLogger = {
      ...logger,
      info: (fields, message) => {
        logger.info(fields, message);
        if (message === "old audit entries removed") removed.resolve();
      },
    };
    const store = await sqliteStore(path);
    const authority = createAuthority({ store, logger: noting, now, auditRetentionDays: 2 });
    await authority.listen();
    await removed.promise;
    await authority.close();
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
    expect(await verifyAudit(path)).toMatchObject({ ok: true, rows: expect.any(Number) });
  });

  it("refuses terms that cannot be kept to", async () => {
    const store = await sqliteStore(":memory:");
    for (const auditRetentionDays of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createAuthority({ store, auditRetentionDays })).toThrow(TypeError);
    }
    for (const sampled of [-0.1, 1.1, Number.NaN]) {
      expect(() => createAuthority({ store, auditDecisions: { sampled } })).toThrow(TypeError);
    }
    await store.close();
  });
});
