import { checkDeviceId } from "../client/index.ts";
import { batchAnswerSchema, MAX_BATCH_SIZE } from "../wire/index.ts";
import { expectDone } from "./answer.ts";
import { connect } from "./connection.ts";
import type { ConnectionArguments } from "./connection.ts";
import { CommandError, EXIT, UsageError } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { paint, print, printable, printError, printJson } from "./output.ts";

/** What `revoke` and `unrevoke` have in common: one device, or several as one change. */
export interface RevocationWords {
  readonly operation: "revoke" | "unrevoke";
  readonly batchOperation: "revokeBatch" | "unrevokeBatch";
  /** "Revoking" */
  readonly doing: string;
  /** "revoked" */
  readonly done: string;
}

export type RevocationArguments = ConnectionArguments & {
  readonly json?: boolean | undefined;
  readonly _: readonly string[];
};

/** Carries the change out and tells of it. */
export async function changeRevocation(
  args: RevocationArguments,
  words: RevocationWords,
): Promise<ExitCode> {
  const deviceIds = [...new Set(args._.map((deviceId) => checkDeviceId(deviceId)))];
  const [first] = deviceIds;
  if (first === undefined) throw new UsageError("The argument DEVICE is missing");
  return deviceIds.length === 1 ? changeOne(args, words, first) : changeAll(args, words, deviceIds);
}

async function changeOne(
  args: RevocationArguments,
  { operation, doing, done }: RevocationWords,
  deviceId: string,
): Promise<ExitCode> {
  const answer = await connect(args).request(operation, { deviceId });
  const body = expectDone(answer, `${doing} ${printable(deviceId)}`);
  if (args.json === true) printJson(body);
  else print(describe(deviceId, done, body["changed"] !== false));
  return EXIT.ok;
}

async function changeAll(
  args: RevocationArguments,
  { batchOperation, doing, done }: RevocationWords,
  deviceIds: readonly string[],
): Promise<ExitCode> {
  if (deviceIds.length > MAX_BATCH_SIZE) {
    throw new UsageError(`At most ${MAX_BATCH_SIZE} devices at once, not ${deviceIds.length}`);
  }
  const what = `${doing} ${deviceIds.length} devices`;
  const answer = await connect(args).request(batchOperation, { deviceIds });
  const body = expectDone(answer, what);
  const known = batchAnswerSchema.safeParse(body);
  if (args.json === true) printJson(body);
  if (!known.success) {
    const message = `${what}: the answer does not say what became of each. machineid list shows it`;
    throw new CommandError(message, { exitCode: EXIT.unavailable, code: "AUTHORITY_MALFORMED" });
  }
  const { results } = known.data;
  const missing = results.filter(({ status }) => status === "not_found");
  for (const { deviceId, status, changed } of args.json === true ? [] : results) {
    if (status === "ok") print(describe(deviceId, done, changed));
  }
  if (missing.length === 0) return EXIT.ok;
  const names = missing.map(({ deviceId }) => printable(deviceId)).join(", ");
  printError(`machineid: No such device: ${names}. machineid list shows the devices there are`);
  return EXIT.error;
}

function describe(deviceId: string, done: string, changed: boolean): string {
  const name = printable(deviceId);
  return changed ? `${paint("bold", name)} ${done}` : `${name} was ${done} already`;
}
