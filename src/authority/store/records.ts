import type { PlanState, PlanTier } from "../../wire/index.ts";

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
}

/** A device of an org. Instants are milliseconds since the epoch. */
export interface DeviceRecord {
  readonly deviceId: string;
  readonly createdAt: number;
  /**
   * When it last asked for a decision. Advisory: after a crash it may be some
   * seconds behind.
   */
  readonly lastSeenAt: number | null;
  readonly revokedAt: number | null;
  /** Version of the change that made it what it is. */
  readonly version: number;
}

/** What is stored of a key: never the key itself. */
export interface KeyRecord {
  /** Names the key in the audit. */
  readonly id: string;
  /** SHA-256 of the key, base64url. */
  readonly hash: string;
  readonly role: "admin" | "owner";
  /** null for the authority's administrator. */
  readonly orgId: string | null;
  /** The key's last four characters, to recognise it by. */
  readonly lastFour: string;
  readonly createdAt: number;
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
