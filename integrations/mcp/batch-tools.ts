import * as z from "zod";
import { perform } from "./authority.ts";
import { quote } from "./quote.ts";
import { pendingShape, restore } from "./restore.ts";
import { addTool, deviceIdSchema, reasonSchema } from "./tool.ts";
import type { ToolContext } from "./tool.ts";

/** Most devices in one batch, as the API has it. */
const MAX_REVOKED = 1000;
/** Most devices to be restored by one yes: a person has to read what they agree to. */
const MAX_RESTORED = 25;

const batchOutput = {
  results: z.array(
    z.object({
      deviceId: z.string(),
      found: z.boolean().describe("false when the org has no such device"),
      changed: z.boolean().describe("false when it was so before, or was not found"),
      ...pendingShape,
    }),
  ),
};

const batchAnswer = z
  .object({
    status: z.literal("ok"),
    results: z.array(
      z.object({
        deviceId: z.string(),
        status: z.enum(["ok", "not_found", "pending"]),
        changed: z.boolean(),
      }),
    ),
  })
  .transform(({ results }) => ({
    results: results.map(({ deviceId, status, changed }) => ({
      deviceId,
      found: status !== "not_found",
      changed,
      pending: status === "pending",
    })),
  }));

const batchInput = (most: number): { deviceIds: z.ZodArray<typeof deviceIdSchema> } => ({
  deviceIds: z.array(deviceIdSchema).min(1).max(most),
});

/** Adds the tools that change several devices at once: all of them, or, on an error, none. */
export function addBatchTools(context: ToolContext): void {
  const { client } = context;

  addTool(
    context,
    "revoke_devices",
    {
      title: "Revoke several devices",
      description:
        "Stops up to 1000 devices as one change: each is denied at its next check. Use it at once when several agents misbehave. Ids that the org does not have come back with found false, and do not keep the others from being stopped. You cannot undo it by yourself: restoring asks a person.",
      input: { ...batchInput(MAX_REVOKED), reason: reasonSchema.optional() },
      output: batchOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async ({ deviceIds, reason }, { signal }) => {
      const body = { deviceIds: unique(deviceIds), reason };
      return perform(client, "revokeBatch", batchAnswer, body, { signal });
    },
  );

  addTool(
    context,
    "unrevoke_devices",
    {
      title: "Restore several revoked devices",
      description:
        "Lets up to 25 revoked devices work again, as one change. A person is asked for consent once, with every id before their eyes, and may decline; do not ask again then. Work that was stopped does not resume by itself: it has to be started anew.",
      input: batchInput(MAX_RESTORED),
      output: batchOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async (input, call) => {
      const deviceIds = unique(input.deviceIds);
      const names = deviceIds.map(quote).join(", ");
      const devices = deviceIds.length === 1 ? "device" : `${deviceIds.length} devices`;
      const what = `let the revoked ${devices} ${names} work again`;
      return restore(
        context,
        { operation: "unrevokeBatch", body: { deviceIds }, done: batchAnswer, what },
        call,
      );
    },
  );
}

const unique = (deviceIds: readonly string[]): string[] => [...new Set(deviceIds)];
