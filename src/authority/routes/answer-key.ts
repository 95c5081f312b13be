import type { Key } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import type { KeyConflict } from "../key-lifecycle.ts";
import { MAX_LIVE_KEYS } from "../key-lifecycle.ts";
import { keyPrefix } from "../keys.ts";
import { isoInstant } from "../plan.ts";
import type { KeyNotFound, KeyRefused } from "../store/key-store.ts";
import type { KeyRecord } from "../store/records.ts";

/** How a key is answered: nothing that it could be found out by. */
export function answerKey(key: KeyRecord): Key {
  return {
    keyId: key.id,
    role: key.role,
    prefix: keyPrefix(key.role),
    lastFour: key.lastFour,
    name: key.name,
    devicePattern: key.devicePattern,
    deviceOwner: key.deviceOwner,
    createdAt: isoInstant(key.createdAt),
    expiresAt: isoInstant(key.expiresAt),
    revokedAt: isoInstant(key.revokedAt),
    replacedBy: key.replacedBy,
  };
}

const CONFLICTS: { readonly [Reason in KeyConflict]: string } = {
  too_many_keys: `An org has at most ${MAX_LIVE_KEYS} keys that can be used; revoke some.`,
  last_owner_key: "No other owner key of the org lasts as long as it; make one first.",
  key_ended: "The key has expired or was revoked; make a new one.",
  key_rotated: "The key was rotated before; rotate its successor.",
};

/** @throws Failure KEY_NOT_FOUND or CONFLICT when the store refused a change of a key */
export function changedKey<Outcome extends { readonly kind: string }>(
  outcome: Outcome | KeyNotFound | KeyRefused,
): Exclude<Outcome, KeyNotFound | KeyRefused> {
  if (outcome.kind === "not_found") throw new Failure("KEY_NOT_FOUND");
  if (isRefused(outcome)) throw new Failure("CONFLICT", CONFLICTS[outcome.reason]);
  return outcome as Exclude<Outcome, KeyNotFound | KeyRefused>;
}

const isRefused = (outcome: { readonly kind: string }): outcome is KeyRefused =>
  outcome.kind === "key_conflict";

/**
 * Reads when a key is to expire.
 *
 * @throws Failure REQUEST_MALFORMED when that is not in the future
 */
export function readExpiry(expiresAt: string, now: number): number {
  const at = Date.parse(expiresAt);
  if (at > now) return at;
  throw new Failure("REQUEST_MALFORMED", "expiresAt: must be in the future");
}
