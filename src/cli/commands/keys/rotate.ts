import { defineCommand } from "citty";
import { MAX_OVERLAP_MS } from "../../../wire/index.ts";
import { expectDone } from "../../answer.ts";
import { readDuration, REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showNewKey } from "../../keys.ts";
import { printable } from "../../output.ts";

/** `machineid keys rotate KEYID` */
export const command = defineCommand({
  meta: { name: "rotate", description: "Make a key like another, which ends after an overlap" },
  args: {
    key: { type: "positional", required: true, description: "Key id, as keys list shows it" },
    overlap: {
      type: "string",
      description: "For how long the old key works on, for example 15m, 12h or 0s",
      default: "1h",
      valueHint: "DURATION",
    },
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const overlapMs = readDuration(args.overlap, "--overlap");
    if (overlapMs > MAX_OVERLAP_MS) throw new UsageError("--overlap must be at most 30d");
    const body = { keyId: args.key, overlap_ms: overlapMs, reason: args.reason };
    const answer = await connect(args).request("rotateKey", body);
    return showNewKey(expectDone(answer, `Rotating ${printable(args.key)}`), args.json === true);
  },
});
