import { defineCommand } from "citty";
import { COMMON_ARGUMENTS } from "../arguments.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid migrate`: moves a store from a file into PostgreSQL. */
export const command = defineCommand({
  meta: { name: "migrate", description: "Move an authority's store from a file into PostgreSQL" },
  args: {
    from: {
      type: "string",
      description: "The store that is moved; nobody may serve it meanwhile",
      required: true,
      valueHint: "sqlite:FILE",
    },
    to: {
      type: "string",
      description: "An empty database; better set MACHINEID_DB, which others cannot see",
      valueHint: "postgres://…",
    },
    ...COMMON_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const to = args.to ?? process.env["MACHINEID_DB"] ?? "";
    const { migrate } = await import("../migrate/migrate.ts");
    return migrate({ from: args.from, to, json: args.json === true });
  },
});
