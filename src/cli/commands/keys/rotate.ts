import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { OVERLAP_ARGUMENT, readOverlap, REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showNewKey } from "../../keys.ts";
import { printable } from "../../output.ts";

/** `machineid keys rotate KEYID` */
export const command = defineCommand({
  meta: { name: "rotate", description: "Make a key like another, which ends after an overlap" },
  args: {
    key: { type: "positional", required: true, description: "Key id, as keys list shows it" },
    ...OVERLAP_ARGUMENT,
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const overlapMs = readOverlap(args);
    const body = { keyId: args.key, overlap_ms: overlapMs, reason: args.reason };
    const answer = await connect(args).request("rotateKey", body);
    return showNewKey(expectDone(answer, `Rotating ${printable(args.key)}`), args.json === true);
  },
});
