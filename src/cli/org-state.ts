import { orgStateAnswerSchema } from "../wire/index.ts";
import type { Done } from "./answer.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { paint, print, printable, printJson } from "./output.ts";

/** Shows how an org stands. */
export function showOrgState(body: Done, json: boolean): ExitCode {
  const known = orgStateAnswerSchema.safeParse(body);
  if (json || !known.success) printJson(body);
  else {
    const { orgId, stopped, twoPersonRestore, resumeRequestedBy } = known.data;
    const standing = stopped ? "stopped: every device is denied" : "running";
    print(`${paint("bold", printable(orgId))}  ${paint(stopped ? "red" : "green", standing)}`);
    if (resumeRequestedBy !== null) {
      print(`${printable(resumeRequestedBy)} asked to resume it; a second key has to, too`);
    }
    print(`Restores need ${twoPersonRestore ? "two keys" : "one key"}`);
  }
  return EXIT.ok;
}
