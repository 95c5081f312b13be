import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { Ed25519Jwk } from "../../wire/index.ts";
import type { SigningKeyRecord } from "../store/records.ts";

/** The algorithm of every signature. */
export const SIGNING_ALGORITHM = "EdDSA";

/** Makes a signing key that signs at once. @param at milliseconds since the epoch */
export async function createSigningKey(at: number): Promise<SigningKeyRecord> {
  const pair = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const { x = "", d = "" } = await exportJWK(pair.privateKey);
  return {
    kid: await calculateJwkThumbprint({ kty: "OKP", crv: "Ed25519", x }),
    publicKey: x,
    privateKey: d,
    createdAt: at,
    signsFrom: at,
    publishedUntil: null,
  };
}

/** The public half of a key, as it is published. */
export function publicJwk({ kid, publicKey }: SigningKeyRecord): Ed25519Jwk {
  return { kty: "OKP", crv: "Ed25519", x: publicKey, kid, alg: SIGNING_ALGORITHM, use: "sig" };
}
