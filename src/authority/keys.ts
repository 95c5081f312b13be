import { hash, randomBytes } from "node:crypto";
import type { KeyRecord } from "./store/records.ts";

const PREFIXES = { admin: "adm_", owner: "org_" } as const;

/** Keys of any role look like this; anything else is not worth a look-up. */
const KEY = /^(?:org|adm)_[\x21-\x7e]{16,200}$/;

/** What an owner key that an operator chooses must look like. */
const OWNER_KEY = /^org_[\x21-\x7e]{16,200}$/;

/** A key and what is stored of it. */
export interface NewKey {
  readonly key: string;
  readonly record: KeyRecord;
}

/** Hashes of keys that were asked for lately: the same few keys come with every request. */
const hashes = new Map<string, string>();
const MOST_HASHES = 1_000;

/** SHA-256 of a key, as stores keep it. Keys are random, so it needs no salt. */
export function hashKey(key: string): string {
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hashed = hash("sha256", key, "base64url");
  if (hashes.size >= MOST_HASHES) hashes.clear();
  hashes.set(key, hashed);
  return hashed;
}

/** Whether a header's value has the form of a key. */
export const isKey = (value: unknown): value is string =>
  typeof value === "string" && KEY.test(value);

/** Makes a key of 256 random bits. */
export function createKey(role: "admin" | "owner", orgId: string | null, at: number): NewKey {
  return adoptKey(PREFIXES[role] + randomBytes(32).toString("base64url"), role, orgId, at);
}

/** Makes the record of a key that exists already. */
export function adoptKey(
  key: string,
  role: "admin" | "owner",
  orgId: string | null,
  at: number,
): NewKey {
  const id = `key_${randomBytes(8).toString("hex")}`;
  return {
    key,
    record: { id, hash: hashKey(key), role, orgId, lastFour: key.slice(-4), createdAt: at },
  };
}

/** @throws TypeError when an owner key is not `org_` and 16 to 200 visible ASCII characters */
export function assertOwnerKey(ownerKey: string): void {
  if (OWNER_KEY.test(ownerKey)) return;
  throw new TypeError(
    "an owner key is org_ followed by 16 to 200 visible ASCII characters without spaces; " +
      "leave it out to have one made",
  );
}
