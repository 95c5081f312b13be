import { readFeatures } from "../../wire/features.ts";
import type { GuardClient } from "../strict-source.ts";

/**
 * Whether an authority grants leases. The hosted service, which does not, has no
 * such answer: 404, in JSON or not.
 *
 * @throws when it did not say: it may offer them all the same
 */
export async function offersLeases(client: GuardClient, timeoutMs: number): Promise<boolean> {
  try {
    const { status, body } = await client.request("meta", undefined, { timeoutMs });
    if (status === 429 || status >= 500) throw new Error(`meta was answered with ${status}`);
    return readFeatures(status, body).includes("lease");
  } catch (error) {
    if (Reflect.get(Object(error), "status") === 404) return false;
    throw error;
  }
}
