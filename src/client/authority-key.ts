/** A public Ed25519 key as JSON, RFC 8037. */
export interface PublicJwk {
  readonly kty: string;
  readonly crv?: string | undefined;
  /** The key: 32 bytes, base64url. */
  readonly x?: string | undefined;
  readonly kid?: string | undefined;
}

/**
 * Public keys of an authority: a JWK, a JWK set, or text: PEM, or either of them
 * as JSON. Ed25519; other keys of a set are passed over.
 */
export type AuthorityKey = string | PublicJwk | { readonly keys: readonly PublicJwk[] };

/** One key that may have signed. */
export interface PublicKey {
  /** Undefined where the form it was given in has no place for it. */
  readonly kid: string | undefined;
  /** 32 bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const KEY_BYTES = 32;
const PRIVATE = "is a private key, which must never leave its authority";
const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/g;
/** What comes before the key in its DER form: "this is Ed25519". */
const SPKI_PREFIX = "MCowBQYDK2VwAyEA";

/** @throws Error that says what is wrong with it, and the mend */
export function readAuthorityKey(value: unknown): readonly PublicKey[] {
  const keys = typeof value === "string" ? fromText(value) : fromJson(value);
  if (keys.length > 0) return keys;
  throw invalid("has no public Ed25519 key in it");
}

function fromText(text: string): readonly PublicKey[] {
  if (text.trimStart().startsWith("{")) {
    return fromJson(parse(text));
  }
  if (text.includes("PRIVATE KEY")) throw invalid(PRIVATE);
  return [...text.matchAll(PEM)].flatMap(([, base64 = ""]) => {
    const der = base64.replaceAll(/\s/g, "");
    // The prefix is 12 bytes, which base64 keeps apart from what follows.
    return der.startsWith(SPKI_PREFIX) ? keyOf(der.slice(SPKI_PREFIX.length), undefined) : [];
  });
}

function fromJson(value: unknown): readonly PublicKey[] {
  const { keys }: Partial<Record<string, unknown>> = Object(value);
  return (Array.isArray(keys) ? keys : [value]).flatMap((jwk: unknown) => {
    const { kty, crv, x, kid, d }: Partial<Record<string, unknown>> = Object(jwk);
    if (d !== undefined) throw invalid(PRIVATE);
    if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string") return [];
    return keyOf(x, kid);
  });
}

function keyOf(base64: string, kid: unknown): readonly PublicKey[] {
  try {
    const bytes = decodeBase64(base64);
    if (bytes.length !== KEY_BYTES) return [];
    return [{ kid: typeof kid === "string" ? kid : undefined, bytes }];
  } catch {
    return [];
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("is no JSON, though it begins like it");
  }
}

/** Reads base64 and base64url. @throws Error when it is neither */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

const invalid = (problem: string): Error =>
  new Error(
    `authorityKey ${problem}. Pass the authority's public key: PEM, a JWK, or the set at /.well-known/jwks.json`,
  );
