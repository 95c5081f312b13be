import type { KeyRole, PlanState, PlanTier } from "../../wire/index.ts";

/** A first key asked for a restore that needs two. */
export interface RestoreRequest {
  /** Id of the key. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A tenant. Instants are milliseconds since the epoch. */
export interface OrgRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly planTier: PlanTier;
  /** Cap on registered, unrevoked devices; null is without a cap. */
  readonly limit: number | null;
  readonly planState: PlanState;
  /** The plan counts as not active from this instant on. */
  readonly accessUntil: number | null;
  /** The whole org is stopped. */
  readonly disabled: boolean;
  /** Version of the change that stopped or resumed it; 0 when there was none. */
  readonly disabledVersion: number;
  /** Restores need two keys. */
  readonly twoPersonRestore: boolean;
  /** Of a stopped org. */
  readonly restoreRequest: RestoreRequest | null;
}

/** A device of an org. Instants are milliseconds since the epoch. */
export interface DeviceRecord {
  readonly deviceId: string;
  /** Grows with each registration: lists are in its order, and cursors name it. */
  readonly id: number;
  /** Under whom it is registered: only some keys may restore it. */
  readonly owner: string | null;
  readonly createdAt: number;
  /**
   * When it last asked for a decision. Advisory: after a crash it may be some
   * seconds behind.
   */
  readonly lastSeenAt: number | null;
  readonly revokedAt: number | null;
  /** Version of the change that made it what it is. */
  readonly version: number;
  /** Of a revoked device. */
  readonly restoreRequest: RestoreRequest | null;
}

/** What is stored of a key: never the key itself. Instants are milliseconds since the epoch. */
export interface KeyRecord {
  /** Names the key in the audit. */
  readonly id: string;
  /** SHA-256 of the key, base64url. */
  readonly hash: string;
  readonly role: "admin" | KeyRole;
  /** null for the authority's administrator. */
  readonly orgId: string | null;
  /** The key's last four characters, to recognise it by. */
  readonly lastFour: string;
  readonly createdAt: number;
  /** What people call it. */
  readonly name: string | null;
  /** Devices that an agent's key is for; null for every other role. */
  readonly devicePattern: string | null;
  /** Of agents: under whom their devices are registered. Of operators: whose devices they may restore. */
  readonly deviceOwner: string | null;
  /** From this instant on it is not known any more. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Id of the key that it was rotated to. */
  readonly replacedBy: string | null;
}

/** A key that the authority signs with: Ed25519. Instants are milliseconds since the epoch. */
export interface SigningKeyRecord {
  /** Its RFC 7638 thumbprint. */
  readonly kid: string;
  /** The public half, 32 bytes, base64url. */
  readonly publicKey: string;
  /** The private half, 32 bytes, base64url; null once it is no longer published. */
  readonly privateKey: string | null;
  readonly createdAt: number;
  /** It is published from its creation, and signs from then on, until a later one does. */
  readonly signsFrom: number;
  /** When it is no longer published; null until it is replaced. */
  readonly publishedUntil: number | null;
}
