import { hash } from "node:crypto";

/** What the audit says of one change or one decision. */
export interface AuditEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Id of the key that asked, or `bootstrap`. */
  readonly by: string;
  readonly operation: string;
  readonly requestId: string;
  /** Version of the change, or that a decision was read at. */
  readonly version: number;
  readonly deviceId?: string;
  /** In the place of `deviceId`, when one request got the same decision on several. */
  readonly deviceIds?: readonly string[];
  /** The code of a decision or of a blocked registration. */
  readonly code?: string;
  /** What else was changed, by field name. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Whose audit chain holds what concerns no org. */
export const NO_ORG = "";

/** SHA-256 of an entry, or of anything else, as chains hold it: hex. */
export const digest = (text: string): string => hash("sha256", text, "hex");

/**
 * What the first entry of a chain holds as the hash of its predecessor: it ties
 * the chain to its org and writer.
 */
export const genesis = (orgId: string, writer: string): string => digest(`${orgId}\n${writer}`);

/**
 * What is said in the chain of no org of a writer's chain that an event begins,
 * so that it cannot vanish unnoticed.
 */
export function chainOpened(orgId: string, event: AuditEvent): AuditEvent {
  const { at, by, requestId, version } = event;
  return { at, by, operation: "chain_open", requestId, version, detail: { org: orgId } };
}

/**
 * One line of JSON: the event, its place in the chain and the hash of the entry
 * before it. What is not quoted through JSON is made by the authority itself, of
 * letters, digits and hyphens.
 */
export function auditEntry(seq: number, previous: string, event: AuditEvent): string {
  const { at, by, operation, deviceId, deviceIds, code, requestId, version, detail } = event;
  const device = deviceId === undefined ? "" : `,"deviceId":${JSON.stringify(deviceId)}`;
  const devices = deviceIds === undefined ? "" : `,"deviceIds":${JSON.stringify(deviceIds)}`;
  const decided = code === undefined ? "" : `,"code":"${code}"`;
  const changed = detail === undefined ? "" : `,"detail":${JSON.stringify(detail)}`;
  return (
    `{"seq":${seq},"prev":"${previous}","at":${at},"by":"${by}","op":"${operation}"` +
    `${device}${devices}${decided},"request_id":"${requestId}","version":${version}${changed}}`
  );
}
