import * as z from "zod/mini";
import { deviceIdSchema } from "./requests.ts";
import { MAX_AUDIT_PAGE } from "./routes.ts";

/**
 * The audit: chains of entries, one per org and writer. An entry is one line of
 * JSON; its SHA-256, hex, is the `prev` of the entry after it.
 */

/** An entry, read from its line. */
export const auditEntrySchema = z.looseObject({
  /** Its number in its chain; entries count from 1. */
  seq: z.int(),
  /** SHA-256 of the line before it, hex. */
  prev: z.string(),
  /** Milliseconds since the epoch, by the authority's clock. */
  at: z.int(),
  /** Id of the key that asked. */
  by: z.string(),
  /** What was asked for: `validate`, `revoke`, … */
  op: z.string(),
  deviceId: z.exactOptional(z.string()),
  /** In the place of `deviceId`, when one request got the same decision on several. */
  deviceIds: z.exactOptional(z.array(z.string())),
  /** Code of a decision, or of a registration that was refused. */
  code: z.exactOptional(z.string()),
  request_id: z.string(),
  /** Version of the change, or that a decision was read at. */
  version: z.int(),
  detail: z.exactOptional(z.record(z.string(), z.unknown())),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** Devices that an entry, or an event made of one, is about. */
export const devicesOfEntry = ({
  deviceId,
  deviceIds,
}: Pick<AuditEntry, "deviceId" | "deviceIds">): readonly string[] =>
  deviceIds ?? (deviceId === undefined ? [] : [deviceId]);

/** 1 to {@link MAX_AUDIT_PAGE}. */
const LIMIT = /^(?:[1-9]\d{0,2}|1000)$/;

/** The query of `GET /api/v1/audit`. What it does not know it refuses: a filter must not be lost. */
export const auditQuerySchema = z.strictObject({
  /** Where the page before ended; the first page has none. */
  cursor: z.exactOptional(z.string().check(z.regex(/^[ad][\w.-]{0,8000}$/, "is no cursor"))),
  /** Most entries in the answer. @default 100 */
  limit: z.exactOptional(
    z.pipe(
      z.string().check(z.regex(LIMIT, `must be 1 to ${MAX_AUDIT_PAGE}`)),
      z.transform((text) => Number(text)),
    ),
  ),
  /** `asc`: oldest first. `desc`: newest first. A cursor keeps the order it was made in. @default "asc" */
  order: z.exactOptional(z.enum(["asc", "desc"])),
  deviceId: z.exactOptional(deviceIdSchema),
  code: z.exactOptional(z.string().check(z.regex(/^[A-Z][A-Z0-9_]{0,63}$/, "is no code"))),
  /** ISO 8601 instant: entries from then on. */
  since: z.exactOptional(z.iso.datetime({ offset: true })),
  /** Entries of this chain alone. */
  chain: z.exactOptional(z.string().check(z.regex(/^[\w-]{1,64}$/, "is no chain"))),
});

export const auditAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  /**
   * A page. It may have fewer entries than asked for, or none, though there are
   * `more`: filters look at so many entries in one request and no more.
   */
  entries: z.array(
    z.looseObject({
      /** Name of the chain. */
      chain: z.string(),
      /** The entry as it was written: JSON of `auditEntrySchema`. */
      line: z.string(),
    }),
  ),
  /** Where the next page begins; in ascending order it is good for what comes later, too. */
  cursor: z.string(),
  /** There is more at `cursor` now. */
  more: z.boolean(),
  /** With the first page in descending order: an ascending cursor for what comes later. */
  newer: z.exactOptional(z.string()),
  request_id: z.string(),
});
export type AuditAnswer = z.infer<typeof auditAnswerSchema>;

const chainEndFields = {
  /** Name of the chain: its writer. */
  chain: z.string(),
  /** Entries up to this number were removed when they were old; 0 for none. */
  cut: z.int(),
  /** Number of the last entry. */
  seq: z.int(),
  /** SHA-256 of the last entry, hex. */
  head: z.string(),
};

const auditChainSchema = z.looseObject({
  ...chainEndFields,
  /** JWS over `auditCheckpointSchema`, in the place of what was removed. */
  checkpoint: z.nullable(z.string()),
});
export type AuditChainAnswer = z.infer<typeof auditChainSchema>;

/** Where every chain of an org ends. */
export const auditChainsAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  org: z.string(),
  chains: z.array(auditChainSchema),
  /** JWS over `auditStatementSchema`: kept elsewhere, it proves later what there was. */
  statement: z.string(),
  request_id: z.string(),
});
export type AuditChainsAnswer = z.infer<typeof auditChainsAnswerSchema>;

/** What a checkpoint says: entries up to `seq` were verified and removed, and `head` is the hash of the last. */
export const auditCheckpointSchema = z.looseObject({
  org: z.string(),
  chain: z.string(),
  seq: z.int(),
  head: z.string(),
  iat: z.int(),
});

/** What a statement says: at `iat` the org's audit had these chains, and they ended so. */
export const auditStatementSchema = z.looseObject({
  org: z.string(),
  chains: z.array(z.looseObject(chainEndFields)),
  iat: z.int(),
});
export type AuditStatement = z.infer<typeof auditStatementSchema>;

/** The first line of an export. The entries follow, a line each, chain after chain in this order. */
export const auditExportSchema = z.looseObject({
  machineid_audit: z.literal(1),
  org: z.string(),
  chains: z.array(auditChainSchema),
  statement: z.string(),
});
export type AuditExport = z.infer<typeof auditExportSchema>;
