import type { KeyConflict, KeyRotation, KeySecret } from "../key-lifecycle.ts";
import type { Caller, ChangeOptions, Refused } from "./caller.ts";
import type { KeyRecord } from "./records.ts";

/** A key that is to be made; its org is the caller's. */
export type KeyDraft = Omit<KeyRecord, "orgId">;

/** A key that was made or revoked. */
export interface KeyChanged {
  readonly kind: "key";
  /** As it is afterwards. */
  readonly key: KeyRecord;
  /** It is false for a key that was revoked before. */
  readonly changed: boolean;
  /** Version of this change; when nothing changed, the version that was read. */
  readonly version: number;
}

/** Why a key was not made, revoked or rotated; nothing was done. */
export interface KeyRefused {
  readonly kind: "key_conflict";
  readonly reason: KeyConflict;
}

/** The org has no such key. */
export interface KeyNotFound {
  readonly kind: "not_found";
}

/** Keys of an org, in the order they were made. */
export interface KeysListed {
  readonly kind: "keys";
  readonly keys: readonly KeyRecord[];
}

/** The operations on an org's keys, with an owner key of it. */
export interface KeyStore {
  /** Makes a key, if {@link decideKeyCreation} lets it. */
  createKey(
    caller: Caller,
    draft: KeyDraft,
    options?: ChangeOptions,
  ): Promise<KeyChanged | KeyRefused | Refused>;
  /** The keys that {@link listedKeys} shows. */
  listKeys(caller: Caller): Promise<KeysListed | Refused>;
  /** Ends a key for good, if {@link decideKeyRevocation} lets it. */
  revokeKey(
    caller: Caller,
    keyId: string,
    options?: ChangeOptions,
  ): Promise<KeyChanged | KeyNotFound | KeyRefused | Refused>;
  /** Makes a key like another, which ends after an overlap. {@link decideKeyRotation} decides. */
  rotateKey(
    caller: Caller,
    keyId: string,
    secret: KeySecret,
    rotation: KeyRotation & ChangeOptions,
  ): Promise<KeyChanged | KeyNotFound | KeyRefused | Refused>;
}
