import { newKeyAnswerSchema } from "../wire/index.ts";
import type { Key } from "../wire/index.ts";
import type { Done } from "./answer.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { paint, print, printable, printJson } from "./output.ts";

/** What a key begins and ends with. */
export const labelOf = ({ prefix, lastFour }: Pick<Key, "prefix" | "lastFour">): string =>
  `${prefix}…${lastFour}`;

/** Shows a new key, this once. */
export function showNewKey(body: Done, json: boolean): ExitCode {
  const known = newKeyAnswerSchema.safeParse(body);
  if (json || !known.success) printJson(body);
  else {
    const { secret, key } = known.data;
    const devices = key.devicePattern === null ? "" : `, devices ${key.devicePattern}`;
    print(`Id    ${paint("bold", printable(key.keyId))}  (${printable(key.role + devices)})`);
    print(`Key   ${paint("yellow", printable(secret))}`);
    if (key.expiresAt !== null) print(`Until ${printable(key.expiresAt)}`);
    print("Store the key now: it is shown this once.");
  }
  return EXIT.ok;
}
