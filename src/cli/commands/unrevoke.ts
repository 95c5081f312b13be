import { defineCommand } from "citty";
import { CONNECTION_ARGUMENTS } from "../connection.ts";
import type { ExitCode } from "../exit-code.ts";
import { changeRevocation } from "../revocation.ts";

/** `machineid unrevoke DEVICE…` */
export const command = defineCommand({
  meta: {
    name: "unrevoke",
    description: "Restore revoked devices; what was stopped does not start again by itself",
  },
  args: {
    device: { type: "positional", description: "Device id" },
    more: { type: "positional", description: "Further device ids", required: false },
    ...CONNECTION_ARGUMENTS,
  },
  run: ({ args }): Promise<ExitCode> =>
    changeRevocation(args, {
      operation: "unrevoke",
      batchOperation: "unrevokeBatch",
      doing: "Restoring",
      done: "restored",
    }),
});
