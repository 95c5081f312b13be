import { hash, randomBytes } from "node:crypto";
import { KEY_PREFIXES } from "../wire/index.ts";
import type { KeySecret } from "./key-lifecycle.ts";
import type { KeyRecord } from "./store/records.ts";

const PREFIXES = { admin: "adm_", ...KEY_PREFIXES } as const;

/** Keys of any role look like this; anything else is not worth a look-up. */
const KEY = /^(?:org|opr|agt|viw|adm)_[\x21-\x7e]{16,200}$/;

/** What an owner key that an operator chooses must look like. */
const OWNER_KEY = /^org_[\x21-\x7e]{16,200}$/;

/** A key and what is stored of it. */
export interface NewKey {
  readonly key: string;
  readonly record: KeyRecord;
}

/** SHA-256 of a key, as stores keep it. Keys are random, so it needs no salt. */
export const hashKey = (key: string): string => hash("sha256", key, "base64url");

/** Hashes of keys that were sent lately: the same few keys come with every request. */
const sent = new Map<string, string>();
const MOST_SENT = 1_000;

/** The hash of a header's value, or undefined when it has not the form of a key. */
export function hashSentKey(value: string): string | undefined {
  const known = sent.get(value);
  if (known !== undefined) return known;
  if (!KEY.test(value)) return undefined;
  const hashed = hashKey(value);
  if (sent.size >= MOST_SENT) sent.clear();
  sent.set(value, hashed);
  return hashed;
}

/** A new key of 256 random bits, and what of it is stored whatever it is for. */
export function createSecret(
  role: KeyRecord["role"],
  at: number,
): { readonly key: string; readonly secret: KeySecret } {
  const key = PREFIXES[role] + randomBytes(32).toString("base64url");
  return { key, secret: secretOf(key, at) };
}

function secretOf(key: string, at: number): KeySecret {
  const id = `key_${randomBytes(8).toString("hex")}`;
  return { id, hash: hashKey(key), lastFour: key.slice(-4), createdAt: at };
}

/** Makes an owner's or the administrator's key. */
export function createKey(role: "admin" | "owner", orgId: string | null, at: number): NewKey {
  const { key, secret } = createSecret(role, at);
  return { key, record: keyRecord(secret, { role, orgId }) };
}

/** Makes the record of a key that exists already. */
export function adoptKey(
  key: string,
  role: "admin" | "owner",
  orgId: string | null,
  at: number,
): NewKey {
  return { key, record: keyRecord(secretOf(key, at), { role, orgId }) };
}

/** The record of a key; what is not said of it is null. */
export function keyRecord(
  secret: KeySecret,
  terms: Pick<KeyRecord, "role" | "orgId"> & Partial<KeyRecord>,
): KeyRecord {
  return {
    name: null,
    devicePattern: null,
    deviceOwner: null,
    expiresAt: null,
    revokedAt: null,
    replacedBy: null,
    ...secret,
    ...terms,
  };
}

/** How the audit and lists name a key: what it begins and ends with. */
export const keyLabel = ({ role, lastFour }: Pick<KeyRecord, "role" | "lastFour">): string =>
  `${PREFIXES[role]}…${lastFour}`;

/** What keys of a role begin with. */
export const keyPrefix = (role: KeyRecord["role"]): string => PREFIXES[role];

/** @throws TypeError when an owner key is not `org_` and 16 to 200 visible ASCII characters */
export function assertOwnerKey(ownerKey: string): void {
  if (OWNER_KEY.test(ownerKey)) return;
  throw new TypeError(
    "an owner key is org_ followed by 16 to 200 visible ASCII characters without spaces; " +
      "leave it out to have one made",
  );
}
