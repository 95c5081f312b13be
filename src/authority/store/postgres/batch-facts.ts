import * as z from "zod/mini";
import type { DeviceStanding } from "../../decide.ts";
import type { DecisionFacts } from "../ledger.ts";
import type { LeaseTerms } from "../lease-store.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import { keyFromRow, orgFromRow, termsColumns, termsFrom } from "../rows.ts";
import type { PendingEntry } from "./group-ledger.ts";

const readRow = z.object({
  version: z.int(),
  ...termsColumns,
  known: z.array(z.tuple([z.unknown(), z.nullable(z.unknown())])),
  devices: z.string(),
});

/** A device that is asked about, with a key. */
export interface Asked {
  readonly keyHash: string;
  readonly deviceId: string;
}

/** Told that a device asked for a decision. */
export type Seen = (orgId: string, deviceId: string, at: number) => void;

/** What was read for one batch. */
export class BatchFacts implements DecisionFacts {
  readonly version: number;
  readonly terms: LeaseTerms;
  readonly entries: PendingEntry[] = [];
  readonly audit = {
    append: (orgId: string, event: PendingEntry["event"]): void => {
      this.entries.push({ orgId, event });
    },
  };
  readonly keys = { byHash: (hash: string): KeyRecord | undefined => this.#keys.get(hash) };
  readonly devices = {
    asking: (orgId: string, deviceId: string, at: number): DeviceStanding | undefined => {
      const device = this.#devices.get(orgId)?.get(deviceId);
      if (device !== undefined) this.#seen(orgId, deviceId, at);
      return device;
    },
  };
  readonly #keys = new Map<string, KeyRecord>();
  readonly #orgs = new Map<string, OrgRecord>();
  readonly #devices = new Map<string, Map<string, DeviceStanding | undefined>>();
  readonly #seen: Seen;

  constructor(row: unknown, asked: readonly Asked[], seen: Seen) {
    const read = readRow.parse(row);
    const { known, devices } = read;
    this.version = read.version;
    this.terms = termsFrom(read);
    this.#seen = seen;
    for (const [key, org] of known) {
      const record = keyFromRow(key);
      this.#keys.set(record.hash, record);
      if (org !== null) this.#orgs.set(String(record.orgId), orgFromRow(org));
    }
    const standings = asked.length === 0 ? [] : devices.split(",");
    if (standings.length !== asked.length) throw new Error("an answer of another length");
    asked.forEach(({ keyHash, deviceId }, index) => {
      const orgId = this.#keys.get(keyHash)?.orgId ?? undefined;
      if (orgId !== undefined) this.#put(orgId, deviceId, standings[index]);
    });
  }

  org(orgId: string): OrgRecord | undefined {
    return this.#orgs.get(orgId);
  }

  #put(orgId: string, deviceId: string, standing: string | undefined): void {
    let devices = this.#devices.get(orgId);
    if (devices === undefined) this.#devices.set(orgId, (devices = new Map()));
    if (standing === undefined || standing === "-") devices.set(deviceId, undefined);
    else devices.set(deviceId, { revokedAt: standing === "" ? null : Number(standing) });
  }
}
