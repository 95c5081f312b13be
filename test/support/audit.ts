import { randomUUID } from "node:crypto";
import { AuditRetention } from "../../src/authority/audit/retention.ts";
import type { AuthorityLogger, Store } from "../../src/authority/index.ts";
import { hashKey } from "../../src/authority/keys.ts";
import { Signer } from "../../src/authority/signing/signer.ts";
import { call } from "./authority.ts";
import type { TestAuthority } from "./authority.ts";

/** Does a bit of everything with one device, so that there is something in the audit. */
export async function makeHistory(
  authority: Pick<TestAuthority, "url" | "ownerKey" | "adminKey">,
  deviceId: string = randomUUID(),
): Promise<void> {
  for (const operation of ["register", "validate", "revoke", "validate", "unrevoke"]) {
    await call(authority, "POST", `/api/v1/devices/${operation}`, { deviceId });
  }
}

/** Has so many decisions made, without the HTTP around them. */
export async function decideOften(
  store: Store,
  ownerKey: string,
  deviceId: string,
  count: number,
  at: number = Date.now(),
): Promise<void> {
  const caller = { keyHash: hashKey(ownerKey), requestId: randomUUID(), at };
  await Promise.all(Array.from({ length: count }, () => store.validate(caller, deviceId)));
}

/** The lines of an org's audit, as the API pages through them. */
export async function readAll(
  authority: Pick<TestAuthority, "url" | "ownerKey" | "adminKey">,
  query: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  let cursor: string | undefined;
  for (;;) {
    const search = new URLSearchParams({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    const { body } = await call(authority, "GET", `/api/v1/audit?${search.toString()}`);
    const page = body as { entries: { line: string }[]; cursor: string; more: boolean };
    entries.push(...page.entries.map(({ line }) => JSON.parse(line) as Record<string, unknown>));
    if (!page.more) return entries;
    ({ cursor } = page);
  }
}

/** Removes what is older than so many milliseconds, as an authority with that retention does. */
export async function cutAudit(
  store: Store,
  keepMs: number | undefined,
  now: () => number,
  logger: AuthorityLogger = SILENT,
): Promise<number> {
  const signer = new Signer(store, now);
  return new AuditRetention({ store, signer, logger, now, keepMs }).sweep();
}

const silent = (): void => undefined;
const SILENT: AuthorityLogger = { debug: silent, info: silent, warn: silent, error: silent };
