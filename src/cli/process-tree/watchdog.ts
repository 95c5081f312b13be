import { spawn } from "node:child_process";
import { once } from "node:events";

/** Ends a tree of processes when it is told to, or when this process has ended. */
export interface Watchdog {
  /** Names the leader of the group that is to be ended. */
  watch(pid: number | undefined): void;
  /** Ends what is left of the tree; resolves when that is done. */
  finish(): Promise<void>;
}

/**
 * Waits for the end of its stdin, which comes when whoever holds the other end
 * closes it or dies. Then it kills the group, and everything that has the marker
 * in its environment, until nothing has. The shell itself never has it.
 */
const SCRIPT = String.raw`
trap '' HUP INT TERM
group=
while IFS= read -r line; do group=$line; done
[ -n "$group" ] && kill -KILL "-$group" 2>/dev/null
rounds=0
while [ "$rounds" -lt 500 ]; do
  left=$(grep -lsaF "$1" /proc/[0-9]*/environ)
  [ -z "$left" ] && exit 0
  for entry in $left; do
    entry=$(printf %s "$entry" | sed 's|/proc/||; s|/environ||')
    kill -KILL "$entry" 2>/dev/null
  done
  rounds=$((rounds + 1))
done
`;

const NONE: Watchdog = { watch: () => undefined, finish: () => Promise.resolve() };

/**
 * Starts a watchdog, in a session of its own, so that no signal for the terminal
 * or for this process's group reaches it.
 *
 * @param marker `NAME=value`, as it stands in the environment of every process of the tree
 */
export async function startWatchdog(marker: string): Promise<Watchdog> {
  if (process.platform === "win32") return NONE;
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "machineid-watchdog", marker], {
    detached: true,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => {
    shell.once("exit", () => resolve());
  });
  await once(shell, "spawn");
  const { stdin } = shell;
  stdin.on("error", () => undefined);
  return {
    watch: (pid) => void (pid === undefined || stdin.write(`${pid}\n`)),
    finish: () => {
      stdin.end();
      return ended;
    },
  };
}
