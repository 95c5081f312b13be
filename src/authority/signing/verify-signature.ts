import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from "jose";
import type { Ed25519Jwk, SignatureType } from "../../wire/index.ts";
import { SIGNING_ALGORITHM } from "./signing-key.ts";

/** Verifies one kind of signature. Answers with the claims, or undefined. */
export type VerifySignature = (
  type: SignatureType,
  token: string,
) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Verifies with these public keys and no others. A key without an id has that of its thumbprint. */
export async function signatureVerifier(keys: readonly Ed25519Jwk[]): Promise<VerifySignature> {
  const named = keys.map(async ({ kty, crv, x, kid }) => {
    const key = { kty, crv, x };
    return { ...key, kid: kid ?? (await calculateJwkThumbprint(key)) };
  });
  const keySet = createLocalJWKSet({ keys: await Promise.all(named) });
  return async (typ, token) => {
    try {
      const options = { typ, algorithms: [SIGNING_ALGORITHM] };
      return (await jwtVerify(token, keySet, options)).payload;
    } catch {
      return undefined;
    }
  };
}
