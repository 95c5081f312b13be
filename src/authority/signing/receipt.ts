import { SIGNATURE_TYPES } from "../../wire/index.ts";
import { receiptClaims, receiptKeyText } from "../../wire/receipt.ts";
import { hashKey } from "../keys.ts";
import type { Services } from "../services.ts";
import type { Caller } from "../store/caller.ts";
import type { Validated } from "../store/device-store.ts";

/**
 * Signs a decision for the one who asked for it.
 *
 * @throws StoreUnavailableError when the signing key cannot be read
 */
export function signReceipt(
  { signer, now }: Pick<Services, "signer" | "now">,
  { keyHash, requestId }: Caller,
  { decision, orgId, version }: Validated,
  asked: { readonly deviceId: string; readonly nonce: string; readonly termMs: number },
): Promise<string> {
  const { allowed, code } = decision;
  const claims = {
    allowed,
    code,
    request_id: requestId,
    deviceId: asked.deviceId,
    org: orgId,
    nonce: asked.nonce,
    version,
    valid_ms: asked.termMs,
    key: hashKey(receiptKeyText(keyHash, asked.nonce)),
  };
  return signer.sign(SIGNATURE_TYPES.receipt, receiptClaims(claims, now()));
}
