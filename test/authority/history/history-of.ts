import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { verifyAudit } from "../../../src/authority/index.ts";
import type { Caller, Store } from "../../../src/authority/index.ts";
import { adoptKey, createKey } from "../../../src/authority/keys.ts";
import { createOrgRecord } from "../../../src/authority/plan.ts";
import type { History, LoggedChange, Operation } from "./history.ts";

/** What a store is given before its replicas start: one org, with a cap. */
export interface Prepared {
  readonly ownerKey: string;
  readonly caller: Caller;
  readonly orgId: string;
  readonly cap: number;
}

export async function prepareOrg(store: Store, cap: number): Promise<Prepared> {
  const at = Date.now();
  const org = createOrgRecord({ plan: cap }, at);
  const ownerKey = `org_history-${randomUUID()}`;
  const { record } = adoptKey(ownerKey, "owner", org.id, at);
  await store.bootstrap({
    requestId: randomUUID(),
    at,
    adminKey: createKey("admin", null, at).record,
    org,
    ownerKey: record,
    ownerKeyGiven: true,
  });
  const caller = { keyHash: record.hash, requestId: randomUUID(), at };
  return { ownerKey, caller, orgId: org.id, cap };
}

/** Reads what the store has of an org, and verifies its audit. */
export async function historyOf(
  store: Store,
  { caller, orgId, cap }: Prepared,
  operations: readonly Operation[],
): Promise<History> {
  expect(await verifyAudit(store)).toMatchObject({ ok: true });
  const audited = new Set<string>();
  for (const chain of await store.auditChains()) {
    if (chain.orgId !== orgId) continue;
    for (let seq = 0; seq < chain.seq;) {
      const rows = await store.auditRows(chain.id, seq, 1_000);
      for (const { entry } of rows) {
        audited.add((JSON.parse(entry) as { request_id: string }).request_id);
      }
      seq = rows.at(-1)?.seq ?? chain.seq;
    }
  }
  const log: LoggedChange[] = [];
  for (let after = 0; ;) {
    const { changes } = await store.changes(after, 1_000);
    log.push(...changes.filter((change) => change.orgId === orgId && change.deviceIds.length > 0));
    const last = changes.at(-1)?.version;
    if (last === undefined) break;
    after = last;
  }
  const listed = await store.listDevices(caller);
  if (listed.kind !== "devices") throw new Error(listed.kind);
  const devices = new Map(
    listed.devices.map(({ deviceId, revokedAt }) => [deviceId, revokedAt !== null]),
  );
  return { operations, log, audited, devices, cap };
}
