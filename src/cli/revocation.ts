import type { ArgsDef } from "citty";
import { checkDeviceId } from "../client/index.ts";
import { batchAnswerSchema, MAX_BATCH_SIZE, readDevicePattern } from "../wire/index.ts";
import type { BatchAnswer } from "../wire/index.ts";
import { expectDone } from "./answer.ts";
import type { Done } from "./answer.ts";
import { REASON_ARGUMENT } from "./arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "./connection.ts";
import type { ConnectionArguments } from "./connection.ts";
import { CommandError, EXIT, UsageError } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { paint, print, printable, printError, printJson } from "./output.ts";
import { readWaiting, tellStop } from "./waiting.ts";
import type { WaitingArguments } from "./waiting.ts";

/** Arguments of `revoke` and `unrevoke`. */
export const REVOCATION_ARGUMENTS = {
  device: { type: "positional", description: "Device id", required: false },
  more: { type: "positional", description: "Further device ids", required: false },
  pattern: {
    type: "string",
    description: "Instead of ids: every device whose id begins so, for example worker:prod:*",
    valueHint: "PATTERN",
  },
  "dry-run": { type: "boolean", description: "Change nothing, and name what would be changed" },
  ...REASON_ARGUMENT,
  ...CONNECTION_ARGUMENTS,
} as const satisfies ArgsDef;

/** {@link REVOCATION_ARGUMENTS}, as they were given. */
export type RevocationArguments = ConnectionArguments & {
  readonly pattern?: string | undefined;
  readonly "dry-run"?: boolean | undefined;
  readonly reason?: string | undefined;
  readonly json?: boolean | undefined;
  readonly _: readonly string[];
};

/** What `revoke` and `unrevoke` have in common: one device, or several as one change. */
export interface RevocationWords {
  readonly operation: "revoke" | "unrevoke";
  readonly batchOperation: "revokeBatch" | "unrevokeBatch";
  /** "Revoking" */
  readonly doing: string;
  /** "revoked" */
  readonly done: string;
}

/** Not to wait. */
const NO_WAIT: WaitingArguments = { timeout: "0s" };

/** Carries the change out and tells of it. */
export async function changeRevocation(
  given: RevocationArguments,
  words: RevocationWords,
  waiting: WaitingArguments = NO_WAIT,
): Promise<ExitCode> {
  const args = { ...given, waiting };
  const { pattern } = args;
  const deviceIds = [...new Set(args._.map((deviceId) => checkDeviceId(deviceId)))];
  if (pattern !== undefined) {
    if (deviceIds.length > 0) throw new UsageError("Give device ids or --pattern, and not both");
    return changeAll(args, words, { devicePattern: readPattern(pattern) }, printable(pattern));
  }
  const [first] = deviceIds;
  if (first === undefined) throw new UsageError("The argument DEVICE is missing, or --pattern");
  if (deviceIds.length > MAX_BATCH_SIZE) {
    throw new UsageError(`At most ${MAX_BATCH_SIZE} devices at once, not ${deviceIds.length}`);
  }
  return deviceIds.length === 1 && args["dry-run"] !== true
    ? changeOne(args, words, first)
    : changeAll(args, words, { deviceIds }, `${deviceIds.length} devices`);
}

/** @throws {@link UsageError} */
function readPattern(text: string): string {
  const { pattern, problem } = readDevicePattern(text);
  if (pattern !== undefined) return pattern;
  throw new UsageError(`--pattern ${problem}`);
}

type WaitingRevocation = RevocationArguments & { readonly waiting: WaitingArguments };

async function changeOne(
  args: WaitingRevocation,
  { operation, doing, done }: RevocationWords,
  deviceId: string,
): Promise<ExitCode> {
  const answer = await connect(args).request(operation, {
    deviceId,
    reason: args.reason,
    ...readWaiting(args.waiting),
  });
  const body = expectDone(answer, `${doing} ${printable(deviceId)}`);
  if (args.json === true) printJson(body);
  else print(describe(deviceId, done, body["changed"] !== false));
  return tellStop(body, args.waiting, args.json === true);
}

async function changeAll(
  args: WaitingRevocation,
  words: RevocationWords,
  selection: { readonly deviceIds: readonly string[] } | { readonly devicePattern: string },
  named: string,
): Promise<ExitCode> {
  const isDryRun = args["dry-run"] === true;
  const what = `${words.doing} ${named}`;
  const answer = await connect(args).request(words.batchOperation, {
    ...selection,
    reason: args.reason,
    ...(isDryRun ? { dry_run: true } : readWaiting(args.waiting)),
  });
  const body = expectDone(answer, what);
  if (args.json === true) printJson(body);
  const known = readBatch(body, what);
  if (args.json !== true) tell(known, words, isDryRun);
  const complaint = complain(known);
  const stopped = isDryRun ? EXIT.ok : tellStop(body, args.waiting, args.json === true);
  return complaint === EXIT.ok ? stopped : complaint;
}

/** @throws {@link CommandError} when the answer does not say what became of the devices */
function readBatch(body: Done, what: string): BatchAnswer {
  const known = batchAnswerSchema.safeParse(body);
  if (known.success) return known.data;
  const message = `${what}: the answer does not say what became of each. machineid list shows it`;
  throw new CommandError(message, { exitCode: EXIT.unavailable, code: "AUTHORITY_MALFORMED" });
}

function tell(
  { results, matched, changed = 0 }: BatchAnswer,
  { done }: RevocationWords,
  isDryRun: boolean,
): void {
  for (const result of results) {
    if (result.status !== "ok") continue;
    if (!isDryRun) print(describe(result.deviceId, done, result.changed));
    else if (result.changed) print(`${paint("bold", printable(result.deviceId))} would be ${done}`);
  }
  if (matched === undefined) return;
  const more = matched > results.length ? `, of which the first ${results.length} are named` : "";
  print(`${changed} of ${matched} devices ${isDryRun ? "would be" : "were"} ${done}${more}`);
}

/** Says what was asked for and is not done. */
function complain({ results }: BatchAnswer): ExitCode {
  const named = (wanted: string): string =>
    results
      .filter(({ status }) => status === wanted)
      .map(({ deviceId }) => printable(deviceId))
      .join(", ");
  const missing = named("not_found");
  const pending = named("pending");
  if (missing !== "") {
    printError(`machineid: No such device: ${missing}. machineid list shows the devices there are`);
  }
  if (pending !== "") {
    printError(
      `machineid: Asked for, and not done: ${pending}. The org's policy wants a second key: run the same command with another one within a day`,
    );
  }
  return missing === "" && pending === "" ? EXIT.ok : EXIT.error;
}

function describe(deviceId: string, done: string, changed: boolean): string {
  const name = printable(deviceId);
  return changed ? `${paint("bold", name)} ${done}` : `${name} was ${done} already`;
}
