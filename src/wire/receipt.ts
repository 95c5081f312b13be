/**
 * Receipts: decisions that were signed. Whoever holds the authority's public key
 * can tell that the authority itself made this decision, for this device, for
 * the holder of this key, in answer to this one request.
 */

/** For how long a receipt is good, in seconds. The nonce is what makes it fresh. */
const RECEIPT_TTL_SECONDS = 60;
/** How far apart the clocks of authority and client may be, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** What a receipt says. `iat` and `exp` are seconds since the epoch. */
interface ReceiptClaims {
  readonly allowed: boolean;
  readonly code: string;
  readonly request_id: string;
  readonly deviceId: string;
  /** Id of the org in which it was decided. */
  readonly org: string;
  readonly nonce: string;
  readonly version: number;
  readonly valid_ms: number;
  /** SHA-256, base64url, of {@link receiptKeyText}: the decision was made for this key. */
  readonly key: string;
  readonly iat: number;
  readonly exp: number;
}

/**
 * What the claim `key` is the hash of. It binds a receipt to the key that asked,
 * and so to its org: a receipt got with the key of another org, for a device of
 * the same id, is of no use.
 *
 * @param keyHash SHA-256 of the org key, base64url
 */
export const receiptKeyText = (keyHash: string, nonce: string): string => `${keyHash}.${nonce}`;

/** Completes what a receipt says. @param now milliseconds since the epoch */
export function receiptClaims(
  claims: Omit<ReceiptClaims, "iat" | "exp">,
  now: number,
): ReceiptClaims {
  const iat = Math.floor(now / 1000);
  return { ...claims, iat, exp: iat + RECEIPT_TTL_SECONDS };
}

/** What the receipt of an answer must say. */
export interface ExpectedReceipt {
  /** The answer that came with it. */
  readonly answer: Readonly<Record<string, unknown>>;
  readonly deviceId: unknown;
  readonly nonce: string;
  /** What the claim `key` must be. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What must be in a receipt, and is otherwise in the answer. */
const SHARED = ["allowed", "code", "request_id", "version", "valid_ms"] as const;

/**
 * Looks whether claims, whose signature was verified, are about this request and
 * this answer. Returns what is wrong, or undefined.
 */
export function readReceipt(
  claims: Readonly<Record<string, unknown>>,
  { answer, now, ...asked }: ExpectedReceipt,
): string | undefined {
  const { allowed, org, iat, exp } = claims;
  const wrong =
    Object.entries(asked).find(([name, value]) => claims[name] !== value)?.[0] ??
    SHARED.find((name) => claims[name] === undefined || claims[name] !== answer[name]);
  if (wrong !== undefined) return `its ${wrong} does not match`;
  if (typeof allowed !== "boolean" || typeof org !== "string" || org === "") {
    return "it is no decision";
  }
  const seconds = now / 1000;
  const isTimely =
    typeof iat === "number" &&
    typeof exp === "number" &&
    iat <= seconds + CLOCK_TOLERANCE_SECONDS &&
    seconds <= exp + CLOCK_TOLERANCE_SECONDS;
  return isTimely ? undefined : "it is from another time; compare the clocks";
}
