import type { SigningKeyRecord } from "./records.ts";
import type { Caller, UnknownKey } from "./caller.ts";

/** The signing key was replaced: these are all keys now. */
export interface SigningKeyRotated {
  readonly kind: "signing_key_rotated";
  readonly keys: readonly SigningKeyRecord[];
}

/** Where an authority keeps the keys it signs with, so that all its replicas sign with the same. */
export interface SigningStore {
  /** All signing keys there ever were, in the order of their creation. */
  signingKeys(): Promise<readonly SigningKeyRecord[]>;
  /** Adds the first signing key, unless there is one. Answers with all there are. */
  addFirstSigningKey(
    caller: Pick<Caller, "requestId" | "at">,
    key: SigningKeyRecord,
  ): Promise<readonly SigningKeyRecord[]>;
  /**
   * Replaces the signing key as {@link rotateSigningKeys} says. Needs the
   * administrator's key. `conflict`: another one is announced already.
   */
  rotateSigningKey(
    caller: Caller,
    next: SigningKeyRecord,
    overlapMs: number,
  ): Promise<SigningKeyRotated | UnknownKey | { readonly kind: "conflict" }>;
}
