import * as z from "zod/mini";
import { StoreUnavailableError } from "../errors.ts";
import type { DeviceRecord, KeyRecord } from "../records.ts";
import { deviceFromRow, keyFromRow, orgFromRow } from "../rows.ts";
import type { OrgUsage } from "../store.ts";
import type { Connection } from "./connection.ts";

/** What an operation works on. It names all of it beforehand, so that it can be read at once. */
export interface Needs {
  /** The key it is called with; the key's org comes along. */
  readonly keyHash?: string;
  /** Devices of that org, by id. */
  readonly deviceIds?: readonly string[];
  /** All devices of that org. */
  readonly allDevices?: boolean;
  /** Another org, for the administrator. */
  readonly orgId?: string;
  /** All orgs. */
  readonly allOrgs?: boolean;
}

/** An org as it is stored. */
export interface OrgFact extends OrgUsage {
  /** Its place in the order of creation. */
  readonly place: number;
}

/** A device as it is stored. */
export interface DeviceFact {
  readonly orgId: string;
  readonly record: DeviceRecord;
  /** Its place in the order of registration. */
  readonly place: number;
}

/** What was asked for, as it was at one moment. */
export interface Facts {
  readonly version: number;
  readonly hasAdminKey: boolean;
  readonly keys: readonly KeyRecord[];
  /** In the order of creation. */
  readonly orgs: readonly OrgFact[];
  /** In the order of registration. */
  readonly devices: readonly DeviceFact[];
}

/* One statement, so that all of it is of the same moment. LIMIT keeps each look-up one by the key. */
const FACTS = {
  name: "machineid_facts",
  text: `
    WITH known AS MATERIALIZED (SELECT * FROM machineid.keys WHERE hash = ANY ($1::text[])),
    found AS (
      SELECT d.* FROM unnest($2::text[], $3::text[]) AS asked (hash, device_id)
        JOIN known k ON k.hash = asked.hash
        CROSS JOIN LATERAL (
          SELECT * FROM machineid.devices d
          WHERE d.org_id = k.org_id AND d.device_id = asked.device_id LIMIT 1
        ) d
      UNION
      SELECT d.* FROM machineid.devices d
      WHERE d.org_id IN (SELECT org_id FROM known WHERE hash = ANY ($4::text[]))
    ),
    named AS (
      SELECT o.* FROM (SELECT unnest($5::text[]) AS id UNION SELECT org_id FROM known) AS asked
        CROSS JOIN LATERAL (SELECT * FROM machineid.orgs o WHERE o.id = asked.id LIMIT 1) o
      UNION
      SELECT * FROM machineid.orgs WHERE $6::boolean
    )
    SELECT s.version, s.importing IS NOT NULL AS importing,
      EXISTS (SELECT FROM machineid.keys WHERE role = 'admin') AS "hasAdminKey",
      coalesce((SELECT json_agg(k) FROM known k), '[]') AS keys,
      coalesce((SELECT json_agg(n ORDER BY n.place) FROM named n), '[]') AS orgs,
      coalesce((SELECT json_agg(f ORDER BY f.place) FROM found f), '[]') AS devices
    FROM machineid.state s`,
};

const factsRow = z.object({
  version: z.int(),
  importing: z.boolean(),
  hasAdminKey: z.boolean(),
  keys: z.array(z.unknown()),
  orgs: z.array(z.looseObject({ place: z.int(), devices_used: z.int() })),
  devices: z.array(z.looseObject({ place: z.int(), org_id: z.string() })),
});

/** Reads what operations need, all of one moment. @throws StoreUnavailableError */
export async function readFacts(
  connection: Connection,
  needs: readonly Needs[],
  timeoutMs: number,
): Promise<Facts> {
  const hashes = new Set<string>();
  const whole = new Set<string>();
  const orgIds = new Set<string>();
  const pairs: { hash: string; deviceId: string }[] = [];
  for (const { keyHash, deviceIds = [], allDevices, orgId } of needs) {
    if (orgId !== undefined) orgIds.add(orgId);
    if (keyHash === undefined) continue;
    hashes.add(keyHash);
    if (allDevices === true) whole.add(keyHash);
    for (const deviceId of deviceIds) pairs.push({ hash: keyHash, deviceId });
  }
  const [row] = await connection.query(
    FACTS,
    [
      [...hashes],
      pairs.map(({ hash }) => hash),
      pairs.map(({ deviceId }) => deviceId),
      [...whole],
      [...orgIds],
      needs.some(({ allOrgs }) => allOrgs === true),
    ],
    timeoutMs,
  );
  const { version, importing, hasAdminKey, keys, orgs, devices } = factsRow.parse(row);
  if (importing) throw new StoreUnavailableError("another store is being moved here");
  return {
    version,
    hasAdminKey,
    keys: keys.map(keyFromRow),
    orgs: orgs.map((org) => ({
      org: orgFromRow(org),
      devicesUsed: org.devices_used,
      place: org.place,
    })),
    devices: devices.map((device) => ({
      orgId: device.org_id,
      record: deviceFromRow(device),
      place: device.place,
    })),
  };
}
