import { defineCommand } from "citty";
import { listKeysAnswerSchema } from "../../../wire/index.ts";
import type { Key } from "../../../wire/index.ts";
import { expectDone } from "../../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { labelOf } from "../../keys.ts";
import { print, printable, printJson, table } from "../../output.ts";

/** `machineid keys list` */
export const command = defineCommand({
  meta: { name: "list", description: "List the org's keys, by what they begin and end with" },
  args: CONNECTION_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const body = expectDone(await connect(args).request("listKeys"), "Listing the keys");
    const known = listKeysAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else {
      const head = ["ID", "KEY", "ROLE", "DEVICES", "OWNER", "STATE", "NAME"];
      print(table([head, ...known.data.keys.map(rowOf)]));
    }
    return EXIT.ok;
  },
});

function rowOf(key: Key): readonly string[] {
  const { keyId, role, devicePattern, deviceOwner, name } = key;
  const cells = [keyId, labelOf(key), role, devicePattern ?? "-", deviceOwner ?? "-", stateOf(key)];
  return [...cells, name ?? "-"].map(printable);
}

function stateOf({ revokedAt, expiresAt, replacedBy }: Key): string {
  if (revokedAt !== null) return `revoked ${revokedAt}`;
  const rotated = replacedBy === null ? "" : ", rotated";
  if (expiresAt === null) return `active${rotated}`;
  const isOver = Date.parse(expiresAt) <= Date.now();
  return `${isOver ? "expired" : "until"} ${expiresAt}${rotated}`;
}
