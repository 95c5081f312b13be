import { defineCommand } from "citty";
import { CONNECTION_ARGUMENTS } from "../connection.ts";
import type { ExitCode } from "../exit-code.ts";
import { changeRevocation } from "../revocation.ts";

/** `machineid revoke DEVICE…` */
export const command = defineCommand({
  meta: { name: "revoke", description: "Deny devices from their next check on" },
  args: {
    device: { type: "positional", description: "Device id" },
    more: { type: "positional", description: "Further device ids", required: false },
    ...CONNECTION_ARGUMENTS,
  },
  run: ({ args }): Promise<ExitCode> =>
    changeRevocation(args, {
      operation: "revoke",
      batchOperation: "revokeBatch",
      doing: "Revoking",
      done: "revoked",
    }),
});
