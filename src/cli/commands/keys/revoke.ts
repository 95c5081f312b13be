import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";

/** `machineid keys revoke KEYID` */
export const command = defineCommand({
  meta: { name: "revoke", description: "End a key for good, at once" },
  args: {
    key: { type: "positional", required: true, description: "Key id, as keys list shows it" },
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const name = printable(args.key);
    const body = { keyId: args.key, reason: args.reason };
    const done = expectDone(await connect(args).request("revokeKey", body), `Revoking ${name}`);
    if (args.json === true) printJson(done);
    else if (done["changed"] === false) print(`${name} was revoked already`);
    else print(`${paint("bold", name)} revoked`);
    return EXIT.ok;
  },
});
