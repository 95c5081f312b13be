import { defineCommand } from "citty";
import type { ExitCode } from "../exit-code.ts";
import { changeRevocation, REVOCATION_ARGUMENTS } from "../revocation.ts";

/** `machineid unrevoke DEVICE…` */
export const command = defineCommand({
  meta: {
    name: "unrevoke",
    description: "Restore revoked devices; what was stopped does not start again by itself",
  },
  args: REVOCATION_ARGUMENTS,
  run: ({ args }): Promise<ExitCode> =>
    changeRevocation(args, {
      operation: "unrevoke",
      batchOperation: "unrevokeBatch",
      doing: "Restoring",
      done: "restored",
    }),
});
