import { defineCommand } from "citty";
import { ADMIN_ARGUMENTS } from "../admin-client.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { print, printable, printJson } from "../output.ts";

/** `machineid backup FILE` */
export const command = defineCommand({
  meta: {
    name: "backup",
    description: "Copy an authority's database while it runs, and verify it",
  },
  args: {
    file: { type: "positional", required: true, description: "File to make; it must not exist" },
    ...ADMIN_ARGUMENTS,
    "timeout-ms": { ...ADMIN_ARGUMENTS["timeout-ms"], default: "600000" },
  },
  async run({ args }): Promise<ExitCode> {
    const { takeBackup } = await import("../backup/take-backup.ts");
    const made = await takeBackup(args.file, args);
    if (args.json === true) printJson({ status: "ok", ...made });
    else {
      print(
        `${printable(made.path)}: ${made.bytes} bytes, ${made.entries} audit entries in ${made.chains} chains, verified`,
      );
    }
    return EXIT.ok;
  },
});
