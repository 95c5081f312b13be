import * as z from "zod";
import { perform } from "./authority.ts";
import { askForConsent } from "./consent.ts";
import { versionNow } from "./features.ts";
import type { ToolCall, ToolContext } from "./tool.ts";

/** What is to be restored, and what a person is told of it. */
export interface Restore<Schema extends z.ZodType> {
  readonly operation: "unrevoke" | "unrevokeBatch" | "resumeOrg";
  readonly body: Readonly<Record<string, unknown>>;
  readonly done: Schema;
  /** After "An assistant wants to". */
  readonly what: string;
}

/**
 * Lets work begin again, once a person has said yes. A stop that comes while
 * the person is thinking was not before their eyes, and is not undone.
 *
 * @throws {@link ToolFailure} `CONSENT_UNAVAILABLE`, `CONSENT_DECLINED`, `CONFLICT`
 */
export async function restore<Schema extends z.ZodType>(
  context: ToolContext,
  { operation, body, done, what }: Restore<Schema>,
  call: ToolCall,
): Promise<z.output<Schema>> {
  const { signal } = call;
  const version = await versionNow(context.client, { signal });
  await askForConsent(context, what, call);
  const sent = version === undefined ? body : { ...body, if_version: version };
  return perform(context.client, operation, done, sent, { signal });
}

/** Where an org demands two keys for a restore, the first one changes nothing yet. */
export const pendingShape = {
  pending: z
    .boolean()
    .describe("true: nothing was changed yet; the org demands that a second key asks for it, too"),
};

/** Answer of unrevoke and resume. */
export const restoreAnswer = z.object({
  status: z.enum(["ok", "pending"]),
  changed: z.boolean().optional(),
});
