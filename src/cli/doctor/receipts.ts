import { readAuthorityKey } from "../../client/authority-key.ts";
import { RequestError } from "../../client/index.ts";
import type { PublicKey } from "../../client/index.ts";
import { ask } from "./authority.ts";
import type { Asking } from "./authority.ts";
import { ok, outage, problem } from "./finding.ts";
import type { Finding } from "./finding.ts";

const MEND =
  "Set MACHINEID_AUTHORITY_KEY to the authority's /.well-known/jwks.json, got in a way you trust";

/** Whether the public key that decisions are verified with is one that the authority signs with. */
export async function examineReceipts(asking: Asking, authorityKey: string): Promise<Finding> {
  const known = read(authorityKey);
  if (known === undefined) {
    return problem("receipts", "MACHINEID_AUTHORITY_KEY holds no public key", MEND);
  }
  try {
    const { answer } = await ask(asking, "jwks", undefined);
    const published = answer.status === 200 ? read(answer.body) : undefined;
    if (published === undefined) {
      const message = "the authority publishes no keys, so it signs no decision, and none is taken";
      return problem(
        "receipts",
        message,
        "Unset MACHINEID_AUTHORITY_KEY, or use your own authority",
      );
    }
    const missing = published.filter(({ bytes }) => !known.some((one) => isSame(one.bytes, bytes)));
    if (missing.length === 0)
      return ok("receipts", "decisions are verified with the authority's key");
    return missing.length < published.length
      ? ok("receipts", "the key is the authority's; another one is published, too")
      : problem("receipts", "the key is not the authority's, so no decision is taken", MEND);
  } catch (error) {
    if (!RequestError.isInstance(error)) throw error;
    return outage("receipts", error.message);
  }
}

function read(value: unknown): readonly PublicKey[] | undefined {
  try {
    return readAuthorityKey(value);
  } catch {
    return undefined;
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
