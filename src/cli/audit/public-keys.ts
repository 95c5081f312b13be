import { readFileSync } from "node:fs";
import { signatureVerifier } from "../../authority/signing/verify-signature.ts";
import type { VerifySignature } from "../../authority/signing/verify-signature.ts";
import { readAuthorityKey } from "../../client/authority-key.ts";
import type { MachineID, PublicKey } from "../../client/index.ts";
import { CommandError, EXIT } from "../exit-code.ts";

/**
 * The public keys that signatures of an audit are verified with: those of a file,
 * else those that the authority publishes.
 *
 * @throws {@link CommandError}
 */
export async function findPublicKeys(
  file: string | undefined,
  client: MachineID | undefined,
): Promise<VerifySignature> {
  const keys = file === undefined ? await publishedBy(client) : readFile(file);
  return signatureVerifier(
    keys.map(({ kid, bytes }) => ({
      kty: "OKP",
      crv: "Ed25519",
      x: Buffer.from(bytes).toString("base64url"),
      ...(kid === undefined ? {} : { kid }),
    })),
  );
}

async function publishedBy(client: MachineID | undefined): Promise<readonly PublicKey[]> {
  const { body } = (await client?.request("jwks")) ?? {};
  try {
    return readAuthorityKey(body);
  } catch (error) {
    throw new CommandError(
      "The authority publishes no keys that verify its audit. Name a file that holds them with --jwks FILE",
      { exitCode: EXIT.error, code: "PUBLIC_KEYS_MISSING", cause: error },
    );
  }
}

function readFile(path: string): readonly PublicKey[] {
  try {
    return readAuthorityKey(readFileSync(path, "utf8"));
  } catch (error) {
    const problem =
      error instanceof Error && "syscall" in error ? "cannot be read" : "holds no public key";
    throw new CommandError(
      `The key file ${path} ${problem}. Save the authority's /.well-known/jwks.json in it, or PEM`,
      { exitCode: EXIT.error, code: "PUBLIC_KEYS_MISSING", cause: error },
    );
  }
}
