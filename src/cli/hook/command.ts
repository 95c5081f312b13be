import { defineCommand } from "citty";
import { createGuard } from "../../guard/index.ts";
import type { Guard } from "../../guard/index.ts";
import { connect, CONNECTION_ARGUMENTS, fromEnv, readTimeoutMs } from "../connection.ts";
import type { ConnectionArguments } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { printable, printError } from "../output.ts";
import { answerHook, reasonOf } from "./claude-code.ts";
import type { HookAnswer } from "./claude-code.ts";

/** Blocks, whatever the event: any other code but 0 lets the call through. */
const BLOCKED: ExitCode = 2;
/** What reading, starting and answering may take besides the check, in milliseconds. */
const MARGIN_MS = 5000;

type HookArguments = ConnectionArguments & {
  readonly device?: string | undefined;
  readonly debug?: boolean | undefined;
};

/** `machineid hook claude-code`: a PreToolUse and UserPromptSubmit hook that denies on any failure. */
export const command = defineCommand({
  meta: {
    name: "claude-code",
    description:
      "A PreToolUse or UserPromptSubmit hook of Claude Code: denies when the device may not work",
  },
  args: {
    ...CONNECTION_ARGUMENTS,
    device: {
      type: "string",
      description: "Device id; MACHINEID_DEVICE_ID otherwise",
      valueHint: "ID",
    },
    "timeout-ms": { ...CONNECTION_ARGUMENTS["timeout-ms"], default: "2000" },
  },
  async run({ args }): Promise<ExitCode> {
    blockOnCrash();
    const answer = await answerHook({
      input: process.stdin,
      makeGuard: () => guardOf(args),
      deadlineMs: deadlineOf(args),
    });
    return say(answer, args.debug === true);
  },
});

function guardOf(args: HookArguments): Guard {
  const deviceId = args.device ?? fromEnv("MACHINEID_DEVICE_ID") ?? "";
  const checkTimeoutMs = readTimeoutMs(args["timeout-ms"]);
  return createGuard(connect(args), { deviceId, checkTimeoutMs, register: false });
}

/** A timeout that cannot be read is refused later, where it blocks. */
const deadlineOf = (args: HookArguments): number => {
  const timeoutMs = Number(args["timeout-ms"]);
  return MARGIN_MS + (timeoutMs > 0 && timeoutMs < 600_000 ? timeoutMs : 0);
};

/** A process that ends by itself, or by an error that nobody caught, blocks. */
function blockOnCrash(): void {
  process.exitCode = BLOCKED;
  const block = (): void => {
    printError(reasonOf("RUN_STOPPED"));
    process.exit(BLOCKED);
  };
  // The command line's own listeners would end with 1, which lets the call through.
  process.removeAllListeners("uncaughtException");
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error");
    stream.on("error", () => undefined);
  }
  process.on("uncaughtException", block);
  process.on("unhandledRejection", block);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, block);
}

/** An answer that cannot be written blocks by its exit code. */
async function say(answer: HookAnswer, debug: boolean): Promise<ExitCode> {
  const { exitCode, stdout, stderr, problem } = answer;
  if (exitCode === BLOCKED) {
    // Claude reads stderr: the fixed payload alone.
    printError(stderr ?? reasonOf("RUN_STOPPED"));
    return BLOCKED;
  }
  if (stdout === undefined) return EXIT.ok;
  if (debug && problem !== undefined) printError(`machineid: ${printable(problem)}`);
  if (await isWritten(`${stdout}\n`)) return EXIT.ok;
  printError(reasonOf("RUN_STOPPED"));
  return BLOCKED;
}

const isWritten = (text: string): Promise<boolean> =>
  new Promise((resolve) => {
    process.stdout.once("error", () => resolve(false));
    process.stdout.write(text, (error) => resolve(error === undefined || error === null));
  });
