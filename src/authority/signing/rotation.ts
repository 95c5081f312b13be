import type { SigningKeyRecord } from "../store/records.ts";

/** Which signing key does what, when. Pure; instants are milliseconds since the epoch. */

const isPublished = ({ publishedUntil }: SigningKeyRecord, now: number): boolean =>
  publishedUntil === null || now < publishedUntil;

/** The keys whose public half is published: those that signed, sign, or will. */
export function publishedKeys(
  keys: readonly SigningKeyRecord[],
  now: number,
): readonly SigningKeyRecord[] {
  return keys.filter((key) => isPublished(key, now));
}

/**
 * The key that signs now: the newest whose time has come; the oldest, when the
 * clock was set back to before all of them.
 */
export function signingKeyAt(
  keys: readonly SigningKeyRecord[],
  now: number,
): SigningKeyRecord | undefined {
  const usable = publishedKeys(keys, now)
    .filter(({ privateKey }) => privateKey !== null)
    .toSorted((one, other) => one.signsFrom - other.signsFrom);
  return usable.findLast(({ signsFrom }) => signsFrom <= now) ?? usable[0];
}

/**
 * Replaces the signing key. The new one is published at once and signs after
 * `overlapMs`, so that clients can learn it first; the old ones stay published
 * for as long again after they have stopped. With an overlap of 0 the new one
 * signs at once, and the old ones are gone: that is for a key that was stolen.
 * The private half of a key that is no longer published is forgotten.
 *
 * @returns all keys as they are then; undefined when another key is announced already
 */
export function rotateSigningKeys(
  keys: readonly SigningKeyRecord[],
  next: SigningKeyRecord,
  now: number,
  overlapMs: number,
): readonly SigningKeyRecord[] | undefined {
  const isAnnounced = publishedKeys(keys, now).some(({ signsFrom }) => signsFrom > now);
  if (isAnnounced && overlapMs > 0) return undefined;
  const until = now + 2 * overlapMs;
  const old = keys.map((key) => {
    const publishedUntil = Math.min(key.publishedUntil ?? until, until);
    const replaced = { ...key, publishedUntil };
    return isPublished(replaced, now) ? replaced : { ...replaced, privateKey: null };
  });
  return [...old, { ...next, signsFrom: now + overlapMs }];
}
