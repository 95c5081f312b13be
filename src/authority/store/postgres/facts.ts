import * as z from "zod/mini";
import type { AuditChain } from "../audit-store.ts";
import type { DevicePage } from "../device-store.ts";
import { StoreUnavailableError } from "../errors.ts";
import type { LeaseTerms } from "../lease-store.ts";
import type { OrgUsage } from "../org-store.ts";
import type { DeviceRecord, KeyRecord, SigningKeyRecord } from "../records.ts";
import {
  chainFromRow,
  deviceFromRow,
  keyFromRow,
  orgFromRow,
  signingKeyFromRow,
  termsColumns,
  termsFrom,
} from "../rows.ts";
import type { Connection } from "./connection.ts";

/** What an operation works on. It names all of it beforehand, so that it can be read at once. */
export interface Needs {
  /** The key it is called with; the key's org comes along. */
  readonly keyHash?: string;
  /** Devices of that org, by id. */
  readonly deviceIds?: readonly string[];
  /** A part of that org's devices. */
  readonly page?: DevicePage;
  /** All keys of that org. */
  readonly orgKeys?: boolean;
  /** The audit chains of that org. */
  readonly chains?: boolean;
  /** Another org, for the administrator. */
  readonly orgId?: string;
  /** All orgs. */
  readonly allOrgs?: boolean;
  /** All signing keys. */
  readonly signingKeys?: boolean;
}

/** An org as it is stored. */
export interface OrgFact extends OrgUsage {
  /** Its place in the order of creation. */
  readonly place: number;
}

/** A key as it is stored. */
export interface KeyFact {
  readonly key: KeyRecord;
  /** Its place in the order in which the keys of its org were made. */
  readonly place: number;
}

/** A signing key as it is stored. */
export interface SigningKeyFact {
  readonly key: SigningKeyRecord;
  /** Its place in the order of creation. */
  readonly place: number;
}

/** A device as it is stored. */
export interface DeviceFact {
  readonly orgId: string;
  readonly record: DeviceRecord;
}

/** What was asked for, as it was at one moment. */
export interface Facts {
  readonly version: number;
  readonly terms: LeaseTerms;
  /** Counts every commit that changed something, also what has no version. */
  readonly revision: number;
  readonly hasAdminKey: boolean;
  /** In the order in which they were made. */
  readonly keys: readonly KeyFact[];
  /** In the order of creation. */
  readonly orgs: readonly OrgFact[];
  /** In the order of registration. */
  readonly devices: readonly DeviceFact[];
  /** In the order in which they were begun. */
  readonly chains: readonly AuditChain[];
  /** In the order of creation. */
  readonly signingKeys: readonly SigningKeyRecord[];
}

/* One statement, so that all of it is of the same moment. LIMIT keeps each look-up one by the key. */
const FACTS = {
  name: "machineid_facts",
  text: `
    WITH known AS MATERIALIZED (SELECT * FROM machineid.keys WHERE hash = ANY ($1::text[])),
    held AS (
      SELECT * FROM known
      UNION
      SELECT k.* FROM machineid.keys k
      WHERE k.org_id IN (SELECT org_id FROM known WHERE hash = ANY ($4::text[]))
    ),
    found AS (
      SELECT d.* FROM unnest($2::text[], $3::text[]) AS asked (hash, device_id)
        JOIN known k ON k.hash = asked.hash
        CROSS JOIN LATERAL (
          SELECT * FROM machineid.devices d
          WHERE d.org_id = k.org_id AND d.device_id = asked.device_id LIMIT 1
        ) d
      UNION
      SELECT d.* FROM json_to_recordset($7)
          AS page (hash text, after bigint, most bigint, exact text, beginning text)
        JOIN known k ON k.hash = page.hash
        CROSS JOIN LATERAL (
          SELECT * FROM machineid.devices d
          WHERE d.org_id = k.org_id AND d.id > page.after
            AND (page.exact IS NULL OR d.device_id = page.exact)
            AND (page.beginning IS NULL OR starts_with(d.device_id, page.beginning))
          ORDER BY d.id LIMIT page.most
        ) d
    ),
    named AS (
      SELECT o.* FROM (SELECT unnest($5::text[]) AS id UNION SELECT org_id FROM known) AS asked
        CROSS JOIN LATERAL (SELECT * FROM machineid.orgs o WHERE o.id = asked.id LIMIT 1) o
      UNION
      SELECT * FROM machineid.orgs WHERE $6::boolean
    ),
    chained AS (
      SELECT * FROM machineid.audit_chains
      WHERE seq > 0 AND org_id IN (SELECT org_id FROM known WHERE hash = ANY ($8::text[]))
    ),
    signing AS (SELECT * FROM machineid.signing_keys WHERE $9::boolean)
    SELECT s.version, s.ttl_ms, s.wait_ms, s.terms_version, s.revision, s.importing IS NOT NULL AS importing,
      EXISTS (SELECT FROM machineid.keys WHERE role = 'admin') AS "hasAdminKey",
      coalesce((SELECT json_agg(h ORDER BY h.place, h.id) FROM held h), '[]') AS keys,
      coalesce((SELECT json_agg(n ORDER BY n.place) FROM named n), '[]') AS orgs,
      coalesce((SELECT json_agg(f ORDER BY f.id) FROM found f), '[]') AS devices,
      coalesce((SELECT json_agg(c ORDER BY c.id) FROM chained c), '[]') AS chains,
      coalesce((SELECT json_agg(g ORDER BY g.place) FROM signing g), '[]') AS "signingKeys"
    FROM machineid.state s`,
};

const factsRow = z.object({
  version: z.int(),
  ...termsColumns,
  revision: z.int(),
  importing: z.boolean(),
  hasAdminKey: z.boolean(),
  keys: z.array(z.looseObject({ place: z.int() })),
  orgs: z.array(z.looseObject({ place: z.int(), devices_used: z.int() })),
  devices: z.array(z.looseObject({ org_id: z.string() })),
  chains: z.array(z.unknown()),
  signingKeys: z.array(z.unknown()),
});

/** Reads what operations need, all of one moment. @throws StoreUnavailableError */
export async function readFacts(
  connection: Connection,
  needs: readonly Needs[],
  timeoutMs: number,
): Promise<Facts> {
  const [row] = await connection.query(FACTS, valuesOf(needs), timeoutMs);
  const facts = factsRow.parse(row);
  if (facts.importing) throw new StoreUnavailableError("another store is being moved here");
  return {
    version: facts.version,
    terms: termsFrom(facts),
    revision: facts.revision,
    hasAdminKey: facts.hasAdminKey,
    keys: facts.keys.map((key) => ({ key: keyFromRow(key), place: key.place })),
    orgs: facts.orgs.map((org) => ({
      org: orgFromRow(org),
      devicesUsed: org.devices_used,
      place: org.place,
    })),
    devices: facts.devices.map((device) => ({
      orgId: device.org_id,
      record: deviceFromRow(device),
    })),
    chains: facts.chains.map(chainFromRow),
    signingKeys: facts.signingKeys.map(signingKeyFromRow),
  };
}

function valuesOf(needs: readonly Needs[]): unknown[] {
  const hashesOf = (wanted: (each: Needs) => boolean): string[] => [
    ...new Set(
      needs.flatMap((each) => (each.keyHash !== undefined && wanted(each) ? [each.keyHash] : [])),
    ),
  ];
  const pairs = needs.flatMap(({ keyHash, deviceIds = [] }) =>
    deviceIds.map((deviceId) => ({ keyHash, deviceId })),
  );
  const pages = needs.flatMap(({ keyHash, page }) =>
    page === undefined ? [] : [{ hash: keyHash, ...pageValues(page) }],
  );
  return [
    hashesOf(() => true),
    pairs.map(({ keyHash }) => keyHash),
    pairs.map(({ deviceId }) => deviceId),
    hashesOf(({ orgKeys }) => orgKeys === true),
    needs.flatMap(({ orgId }) => orgId ?? []),
    needs.some(({ allOrgs }) => allOrgs === true),
    JSON.stringify(pages),
    hashesOf(({ chains }) => chains === true),
    needs.some(({ signingKeys }) => signingKeys === true),
  ];
}

/** One more than a page holds is read, to know whether there are more. */
function pageValues({ after = 0, limit, devicePattern = "*" }: DevicePage): object {
  const isBeginning = devicePattern.endsWith("*");
  return {
    after,
    most: limit === undefined ? null : limit + 1,
    exact: isBeginning ? null : devicePattern,
    beginning: isBeginning ? devicePattern.slice(0, -1) : null,
  };
}
