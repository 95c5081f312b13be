import { lstatSync } from "node:fs";
import { CommandError, EXIT } from "../exit-code.ts";
import { printable, printError } from "../output.ts";
import { writePrivateFile } from "../private-file.ts";

/** How an execution stands, or how it ended and why. */
export interface ExecStatus {
  /**
   * - `starting`: the authority is being asked
   * - `running`: the program runs
   * - `stopping`: the program is being ended, because of `code`
   * - `exited`: the program ended by itself
   * - `denied`, `unavailable`: there was no allow, or no longer; `pid` is null when it was not started
   * - `failed`: something else kept it from starting, or from being ended
   */
  readonly state:
    | "starting"
    | "running"
    | "stopping"
    | "exited"
    | "denied"
    | "unavailable"
    | "failed";
  /** The program's process id; null when it was not started. */
  readonly pid: number | null;
  /** The code of the denial, the outage or the failure; null without one. */
  readonly code: string | null;
  readonly request_id: string | null;
  /** What `exec` ends with; null while it has not. */
  readonly exit_code: number | null;
}

const FIRST: ExecStatus = {
  state: "starting",
  pid: null,
  code: null,
  request_id: null,
  exit_code: null,
};

/** Says in a file what the exit code cannot: 3 and 4 may be the program's own. */
export class StatusFile {
  readonly #path: string | undefined;
  readonly #deviceId: string;
  #status = FIRST;

  /** @throws {@link CommandError} when the file cannot be written, so that nothing runs unreported */
  constructor(path: string | undefined, deviceId: string) {
    this.#path = path;
    this.#deviceId = deviceId;
    try {
      // A device or a pipe would be replaced, not written to.
      if (path !== undefined && lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) {
        throw new Error("it is no regular file");
      }
      this.#write();
    } catch (error) {
      throw new CommandError(
        `The status file ${printable(path ?? "")} cannot be written: ${reasonOf(error)}`,
        { exitCode: EXIT.error, code: "STATUS_FILE_UNWRITABLE", cause: error },
      );
    }
  }

  /** Says what has changed. */
  set(change: Partial<ExecStatus>): void {
    this.#status = { ...this.#status, ...change };
    try {
      this.#write();
    } catch (error) {
      printError(`machineid: exec: The status file cannot be written: ${reasonOf(error)}`);
    }
  }

  #write(): void {
    if (this.#path === undefined) return;
    const status = { deviceId: this.#deviceId, supervisor: process.pid, ...this.#status };
    writePrivateFile(this.#path, `${JSON.stringify(status)}\n`);
  }
}

function reasonOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
