import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

/** A certificate and its private key, PEM. */
export interface TlsIdentity {
  /** The certificate, followed by those that lead to its root. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate and key that cannot be served with. */
export class TlsIdentityError extends Error {
  override readonly name = "TlsIdentityError";
  readonly code = "TLS_IDENTITY_INVALID";
}

/**
 * Looks whether one can serve with a certificate and key: that they can be read
 * and belong together, and that the certificate is valid now.
 *
 * @throws TlsIdentityError
 */
export function assertServable({ cert, key }: TlsIdentity, now: number): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw new TlsIdentityError("the certificate is no PEM certificate", { cause: error });
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new TlsIdentityError("the key is no PEM key of this certificate", { cause: error });
  }
  const { validFrom, validTo } = certificate;
  if (now < Date.parse(validFrom)) {
    throw new TlsIdentityError(`the certificate is not valid before ${validFrom}`);
  }
  if (now >= Date.parse(validTo)) {
    throw new TlsIdentityError(`the certificate was valid until ${validTo} only`);
  }
}
