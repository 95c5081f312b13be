import { defineCommand } from "citty";
import { COMMON_ARGUMENTS, readKeyFile } from "../arguments.ts";
import { CONNECTION_ARGUMENTS, fromEnv, readTimeoutMs } from "../connection.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid conformance URL` */
export const command = defineCommand({
  meta: { name: "conformance", description: "Look whether an authority keeps to the contract" },
  args: {
    url: { type: "positional", required: true, description: "The authority's address" },
    key: {
      type: "string",
      description: "Key of an org to work in; better MACHINEID_ORG_KEY, which others cannot see",
      valueHint: "org_…",
    },
    "key-file": { type: "string", description: "File that holds that key", valueHint: "FILE" },
    "admin-key": {
      type: "string",
      description: "Administrator's key, for orgs of the kit's own; better MACHINEID_ADMIN_KEY",
      valueHint: "adm_…",
    },
    "admin-key-file": {
      type: "string",
      description: "File that holds the administrator's key",
      valueHint: "FILE",
    },
    "timeout-ms": CONNECTION_ARGUMENTS["timeout-ms"],
    "allow-insecure-http": CONNECTION_ARGUMENTS["allow-insecure-http"],
    ...COMMON_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const key = findKey(args.key, args["key-file"], "MACHINEID_ORG_KEY");
    if (key === undefined) {
      throw new CommandError(
        "No org key. Set MACHINEID_ORG_KEY, or name a file that holds the key with --key-file FILE",
        { exitCode: EXIT.error, code: "ORG_KEY_MISSING" },
      );
    }
    const { checkBaseUrl } = await import("../../client/index.ts");
    const { origin, prefix } = checkBaseUrl(args.url, args["allow-insecure-http"] === true);
    const { reportConformance } = await import("../conformance/report.ts");
    return reportConformance({
      url: origin + prefix,
      key,
      adminKey: findKey(args["admin-key"], args["admin-key-file"], "MACHINEID_ADMIN_KEY"),
      timeoutMs: readTimeoutMs(args["timeout-ms"]),
      json: args.json === true,
    });
  },
});

function findKey(
  given: string | undefined,
  file: string | undefined,
  variable: string,
): string | undefined {
  const key = given?.trim() || (file === undefined ? fromEnv(variable) : readKeyFile(file));
  if (key === undefined || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandError("A key has characters that no key has. Copy it again, without quotes", {
    exitCode: EXIT.error,
    code: "ORG_KEY_INVALID",
  });
}
