import * as z from "zod";
import { RequestError } from "../../src/index.ts";
import type { CallOptions, GuardClient } from "../../src/index.ts";
import { perform } from "./authority.ts";

/** How long asking what an authority has may take before a session begins, in milliseconds. */
const META_TIMEOUT_MS = 2_000;

const metaAnswer = z.object({ features: z.array(z.string()) });
const NONE: ReadonlySet<string> = new Set();

/** The extensions that the authority has. One that does not answer now offers nothing now. */
export async function featuresOrNone(client: GuardClient): Promise<ReadonlySet<string>> {
  try {
    return await readFeatures(client, { timeoutMs: META_TIMEOUT_MS });
  } catch {
    return NONE;
  }
}

/** A restore that is asked for now does not undo a stop of a later version. */
const orgAnswer = z.object({ status: z.literal("ok"), version: z.int() });

/**
 * The version of the change log, where a restore can name one; undefined elsewhere.
 *
 * @throws {@link ToolFailure} and what the client throws
 */
export async function versionNow(
  client: GuardClient,
  options: CallOptions,
): Promise<number | undefined> {
  const features = await readFeatures(client, options);
  if (!features.has("if_version")) return undefined;
  return (await perform(client, "readOrg", orgAnswer, undefined, options)).version;
}

async function readFeatures(
  client: GuardClient,
  options: CallOptions,
): Promise<ReadonlySet<string>> {
  try {
    const { status, body } = await client.request("meta", undefined, options);
    const parsed = metaAnswer.safeParse(status === 200 ? body : undefined);
    return parsed.success ? new Set(parsed.data.features) : NONE;
  } catch (error) {
    // A service without extensions may say so in no JSON.
    if (RequestError.isInstance(error) && error.status === 404) return NONE;
    throw error;
  }
}
