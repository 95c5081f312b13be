import { InvalidArgumentError, RequestError } from "../client/index.ts";
import { CommandError, EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { hideKeys, printable, printError, printJson } from "./output.ts";

export interface ReportOptions {
  /** Show the stack and its causes, too. */
  readonly debug: boolean;
  /** Answer in the failure shape on stdout, too. */
  readonly json: boolean;
}

/**
 * Tells of an error: one line on stderr, and the failure shape of the API on
 * stdout for programs, so that a program which only looks at `allowed` stops.
 */
export function reportError(error: unknown, { debug, json }: ReportOptions): ExitCode {
  const known = toCommandError(error);
  printError(`machineid: ${oneLine(known.message)}`);
  if (debug) printError(hideKeys(stackOf(error)));
  if (json && known.exitCode !== EXIT.usage) {
    printJson({
      status: "error",
      error: known.code.toLowerCase(),
      code: known.code,
      message: oneLine(known.message),
      allowed: false,
      ...(known.requestId === undefined ? {} : { request_id: known.requestId }),
    });
  }
  return known.exitCode;
}

/** What an error means for the person at the terminal, and which exit code it is. */
export function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (RequestError.isInstance(error)) {
    const { code, requestId } = error;
    return new CommandError(`${error.message}. ${MENDS[code]}`, {
      exitCode: EXIT.unavailable,
      code,
      requestId,
      cause: error,
    });
  }
  if (InvalidArgumentError.isInstance(error)) {
    const message = ARGUMENT_MENDS[error.code] ?? error.message;
    const exitCode = ENVIRONMENT_CODES.has(error.code) ? EXIT.error : EXIT.usage;
    return new CommandError(message, { exitCode, code: error.code, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CommandError(`${message}. Run it again with --debug to see where`, {
    exitCode: EXIT.error,
    code: "INTERNAL",
    cause: error,
  });
}

const MENDS = {
  AUTHORITY_UNREACHABLE:
    "Check MACHINEID_BASE_URL, or start an authority with machineid serve; machineid doctor looks closer",
  AUTHORITY_TIMEOUT: "Try again, or allow more with --timeout-ms; machineid doctor looks closer",
  AUTHORITY_MALFORMED:
    "Check that MACHINEID_BASE_URL names an authority; machineid doctor looks closer",
  RECEIPT_INVALID:
    "Compare MACHINEID_AUTHORITY_KEY with the authority's own key, and the clocks; if they agree, something on the way changes answers",
} as const satisfies Record<RequestError["code"], string>;

/** What is wrong around the call, and not with the call. */
const ENVIRONMENT_CODES: ReadonlySet<string> = new Set([
  "ORG_KEY_MISSING",
  "ORG_KEY_INVALID",
  "BASE_URL_INVALID",
  "BASE_URL_INSECURE",
]);

/** Where the client's own words name an option of its constructor. */
const ARGUMENT_MENDS: Readonly<Partial<Record<string, string>>> = {
  ORG_KEY_MISSING:
    "No org key. Set MACHINEID_ORG_KEY, or name a file that holds the key with --key-file FILE",
  BASE_URL_INSECURE:
    "The key would travel in clear text over plain http. Use https, or add --allow-insecure-http",
};

/** Text from elsewhere as one line, without what could act on a terminal and without keys. */
export function oneLine(message: string): string {
  return hideKeys(printable(message.trim().replaceAll(/\s*[\r\n]+\s*/g, " ")));
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\nCaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
