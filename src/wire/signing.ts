import * as z from "zod/mini";

/** A public Ed25519 key, RFC 8037. */
const ed25519JwkSchema = z.looseObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  /** The key itself: 32 bytes, base64url. */
  x: z.string(),
  /** Names the key in the header of what it signed: its RFC 7638 thumbprint. */
  kid: z.exactOptional(z.string()),
});
export type Ed25519Jwk = z.infer<typeof ed25519JwkSchema>;

/** The authority's public keys, RFC 7517. */
export const jwksAnswerSchema = z.looseObject({ keys: z.array(ed25519JwkSchema) });
export type Jwks = z.infer<typeof jwksAnswerSchema>;

/** Longest time between the announcement of a key and its first signature: a year. */
const MAX_OVERLAP_HOURS = 8_760;

/** Body of authority/rotate_key. */
export const rotateSigningKeyRequestSchema = z.looseObject({
  /**
   * How long the new key is published before it signs, and the old ones after
   * they have stopped. 0 is for a key that was stolen: it is dropped at once.
   */
  overlap_hours: z.exactOptional(z.number().check(z.minimum(0), z.maximum(MAX_OVERLAP_HOURS))),
});

export const rotateSigningKeyAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  /** The new key's id. */
  kid: z.string(),
  /** ISO 8601 instants: from when the new key signs, and until when the old ones are published. */
  signsFrom: z.string(),
  publishedUntil: z.string(),
  request_id: z.string(),
});
