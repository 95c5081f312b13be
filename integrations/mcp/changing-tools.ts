import * as z from "zod";
import { perform } from "./authority.ts";
import { askForConsent } from "./consent.ts";
import { quote } from "./quote.ts";
import { pendingShape, restore, restoreAnswer } from "./restore.ts";
import { addTool, deviceInput, reasonSchema } from "./tool.ts";
import type { ToolContext } from "./tool.ts";

const changeOutput = {
  deviceId: z.string(),
  changed: z.boolean().describe("false when it was so before"),
};

const changeAnswer = z.object({ status: z.literal("ok"), changed: z.boolean().optional() });

const registerAnswer = z.object({
  status: z.enum(["ok", "exists"]),
  limit: z.number().nullish(),
  devicesUsed: z.number().nullish(),
});

/** Adds the tools that change something. Those that let agents work again ask a person first. */
export function addChangingTools(context: ToolContext): void {
  const { client } = context;

  addTool(
    context,
    "register_device",
    {
      title: "Register a device",
      description:
        "Registers a device, so that it can be allowed to work. Registering one that exists is harmless. It never restores a revoked device: then it fails with DEVICE_REVOKED. Recommended ids: {service}:{env}:{role}:{instance}.",
      input: deviceInput,
      output: {
        deviceId: z.string(),
        isNew: z.boolean().describe("false when it was registered before"),
        limit: z.number().nullable().describe("The plan's cap; null is without one"),
        devicesUsed: z.number().nullable(),
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    },
    async ({ deviceId }, { signal }) => {
      const answer = await perform(client, "register", registerAnswer, { deviceId }, { signal });
      const { status, limit = null, devicesUsed = null } = answer;
      return { deviceId, isNew: status === "ok", limit, devicesUsed };
    },
  );

  addTool(
    context,
    "revoke_device",
    {
      title: "Revoke a device",
      description:
        "Stops a device: it is denied at its next check, whatever it is doing. Use it at once when an agent misbehaves; it needs no consent and loses no data. You cannot undo it by yourself: restoring asks a person.",
      input: { ...deviceInput, reason: reasonSchema.optional() },
      output: changeOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async ({ deviceId, reason }, { signal }) => {
      const body = { deviceId, reason };
      const { changed } = await perform(client, "revoke", changeAnswer, body, { signal });
      return { deviceId, changed: changed ?? true };
    },
  );

  addTool(
    context,
    "unrevoke_device",
    {
      title: "Restore a revoked device",
      description:
        "Lets a revoked device work again. A person is asked for consent and may decline; do not ask again then. Work that was stopped does not resume by itself: it has to be started anew.",
      input: deviceInput,
      output: { ...changeOutput, ...pendingShape },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async ({ deviceId }, call) => {
      const { status, changed = status === "ok" } = await restore(
        context,
        {
          operation: "unrevoke",
          body: { deviceId },
          done: restoreAnswer,
          what: `let the revoked device ${quote(deviceId)} work again`,
        },
        call,
      );
      return { deviceId, changed, pending: status === "pending" };
    },
  );

  addTool(
    context,
    "remove_device",
    {
      title: "Remove a device",
      description:
        "Deletes a device and its revocation. It is denied as not registered, until it is registered again, which then works even if it had been revoked. So a person is asked for consent and may decline; do not ask again then. To stop a device, use revoke_device.",
      input: deviceInput,
      output: changeOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async ({ deviceId }, call) => {
      const what = `delete the device ${quote(deviceId)}, and its revocation if it has one`;
      await askForConsent(context, what, call);
      const { changed } = await perform(
        client,
        "remove",
        changeAnswer,
        { deviceId },
        { signal: call.signal },
      );
      return { deviceId, changed: changed ?? true };
    },
  );
}
