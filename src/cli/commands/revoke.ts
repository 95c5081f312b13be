import { defineCommand } from "citty";
import type { ExitCode } from "../exit-code.ts";
import { changeRevocation, REVOCATION_ARGUMENTS } from "../revocation.ts";
import { WAITING_ARGUMENTS } from "../waiting.ts";

/** `machineid revoke DEVICE…` */
export const command = defineCommand({
  meta: { name: "revoke", description: "Deny devices from their next check on" },
  args: { ...REVOCATION_ARGUMENTS, ...WAITING_ARGUMENTS },
  run: ({ args }): Promise<ExitCode> =>
    changeRevocation(
      args,
      {
        operation: "revoke",
        batchOperation: "revokeBatch",
        doing: "Revoking",
        done: "revoked",
      },
      args,
    ),
});
