import type { ForbiddenReason } from "../authorize.ts";

/** Who asks, and under which request id: what every audited call carries. */
export interface Caller {
  /** SHA-256 of the key that was sent, base64url. */
  readonly keyHash: string;
  readonly requestId: string;
  /** The authority's wall clock when the request was read, milliseconds since the epoch. */
  readonly at: number;
}

/** The key is not known, not of the kind this call needs, expired or revoked. */
export interface UnknownKey {
  readonly kind: "unknown_key";
}

/** The key is known, and may not do this. It is in the audit. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly reason: ForbiddenReason;
}

/** What every call with an org's key may come to; nothing was done. */
export type Refused = UnknownKey | Forbidden;

/** What was to be restored was changed after the version that the caller has seen; nothing was done. */
export interface VersionConflict {
  readonly kind: "version_conflict";
  /** Version of that change. */
  readonly version: number;
}

/** Why a change is made, in the words of whoever makes it. For the audit. */
export interface ChangeOptions {
  readonly reason?: string;
}

/** A change that lets work begin again. */
export interface RestoreOptions extends ChangeOptions {
  /** The change log as far as the caller has seen it: a later stop is not undone. */
  readonly ifVersion?: number;
}
