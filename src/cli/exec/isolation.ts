import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandError, EXIT } from "../exit-code.ts";
import type { CommandLine } from "../process-tree/mark.ts";
import { oneLine } from "../report-error.ts";

/**
 * The first process of the namespace: it starts the program as its own child, so
 * that the program is an ordinary process, whose signals have their ordinary
 * effect, and ends as it has ended. What the shell itself would say is not shown.
 */
const INIT = `exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit "$?"`;

/**
 * The kernel ends every process of a namespace with its first one; that one is
 * killed with `unshare`, and `unshare` with whoever started it.
 */
const PREFIX = [
  "--pdeathsig",
  "KILL",
  "--",
  "unshare",
  "--user",
  "--map-current-user",
  "--pid",
  "--fork",
  "--kill-child=KILL",
  "--mount-proc",
  "--",
] as const;

const run = promisify(execFile);

/** A command line that runs another one in namespaces of its own. */
export function isolated({ command, args }: CommandLine): CommandLine {
  return {
    command: "setpriv",
    args: [...PREFIX, "/bin/sh", "-c", INIT, "machineid-init", command, ...args],
  };
}

/**
 * Makes sure that namespaces can be had here.
 *
 * @throws {@link CommandError} `ISOLATION_UNAVAILABLE`: nothing less is used in their place
 */
export async function checkIsolation(env: NodeJS.ProcessEnv): Promise<void> {
  if (process.platform !== "linux") throw unavailable("namespaces exist on Linux only");
  try {
    await run("setpriv", [...PREFIX, "true"], { env });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "ENOENT") {
      throw unavailable(
        "setpriv and unshare are not installed. Install util-linux 2.38 or newer " +
          "(apt-get install util-linux, apk add util-linux-misc setpriv)",
      );
    }
    const said = "stderr" in error ? oneLine(String(error.stderr)) : error.message;
    throw unavailable(
      `${said}. Let this user make user namespaces (sysctl user.max_user_namespaces, ` +
        "kernel.apparmor_restrict_unprivileged_userns); in a container, let it unmask /proc",
    );
  }
}

function unavailable(why: string): CommandError {
  return new CommandError(`--isolate cannot be had here, so nothing was started: ${why}`, {
    exitCode: EXIT.error,
    code: "ISOLATION_UNAVAILABLE",
  });
}
