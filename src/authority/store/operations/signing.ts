import { rotateSigningKeys } from "../../signing/rotation.ts";
import { NO_ORG } from "../audit-entry.ts";
import type { SigningKeyRecord } from "../records.ts";
import type { SigningKeyRotated } from "../signing-store.ts";
import type { Caller, UnknownKey } from "../caller.ts";
import { adminKey } from "./admin.ts";
import { UNKNOWN_KEY } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** The operations on signing keys, as steps of a group. */

export function addFirstSigningKey(
  ledger: Ledger,
  { at, requestId }: Pick<Caller, "requestId" | "at">,
  key: SigningKeyRecord,
): readonly SigningKeyRecord[] {
  const present = ledger.signingKeys.list();
  if (present.length > 0) return present;
  ledger.signingKeys.put([key]);
  ledger.audit.append(NO_ORG, {
    at,
    by: "bootstrap",
    operation: "signing_key_create",
    requestId,
    version: ledger.version,
    detail: { kid: key.kid },
  });
  return [key];
}

export function rotateSigningKey(
  ledger: Ledger,
  caller: Caller,
  next: SigningKeyRecord,
  overlapMs: number,
): SigningKeyRotated | UnknownKey | { readonly kind: "conflict" } {
  const by = adminKey(ledger, caller);
  if (by === undefined) return UNKNOWN_KEY;
  const { at, requestId } = caller;
  const keys = rotateSigningKeys(ledger.signingKeys.list(), next, at, overlapMs);
  if (keys === undefined) return { kind: "conflict" };
  ledger.signingKeys.put(keys);
  ledger.audit.append(NO_ORG, {
    at,
    by: by.id,
    operation: "signing_key_rotate",
    requestId,
    version: ledger.version,
    detail: { kid: next.kid, overlapMs },
  });
  return { kind: "signing_key_rotated", keys };
}
