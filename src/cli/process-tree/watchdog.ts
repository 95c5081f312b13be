import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { CommandError, EXIT } from "../exit-code.ts";
import { LISTING, MEMBERS, SHELL_ENV } from "./members.ts";
import type { Member, TreeName } from "./members.ts";

/** Ends a tree of processes when it is told to, or when this process has ended. */
export interface Watchdog {
  /** A program is about to be started; it may be there before its process id is known. */
  expect(): void;
  /** Names the leader of the group that is to be ended; undefined when none was started. */
  watch(pid: number | undefined): void;
  /** Names processes that belong to the tree whatever becomes of their parents. */
  remember(members: readonly Member[]): void;
  /** Ends what is left of the tree; resolves when that is done with whether nothing is left. */
  finish(): Promise<boolean>;
}

/**
 * Waits for the end of its stdin, which comes when whoever holds the other end
 * closes it or dies. Then it kills the members of the tree until there are none.
 * The shell itself never has the marker. A program that was being started when
 * the supervisor died is given time to appear. The supervisor may be dead before it
 * is told "ready", which must not end the shell.
 */
const SCRIPT = String.raw`
trap '' HUP INT TERM PIPE
${MEMBERS[LISTING]}
group= known= expected=0
echo ready
exec 1>&2
while read -r word rest; do
  case $word in
    expect) expected=2 ;;
    group) group=$rest expected=0 ;;
    known) known=$rest ;;
  esac
done
rounds=0 futile=0
while [ "$rounds" -lt 500 ] && [ "$futile" -lt 5 ]; do
  left=$(members "$1" "$group" "$known" "$2") || break
  if [ -z "$left" ]; then
    [ "$expected" -eq 0 ] && exit 0
    expected=$((expected - 1))
    sleep 1
    continue
  fi
  known="$known "$(echo $left)
  futile=$((futile + 1))
  for entry in $left; do
    kill -KILL "${"$"}{entry%%:*}" && futile=0
  done
  rounds=$((rounds + 1))
done
[ -n "$group" ] && kill -KILL "-$group"
exit 1
`;

/** One that was ended by others is replaced, but not for ever. */
const MAX_REPLACEMENTS = 10;

const NONE: Watchdog = {
  expect: () => undefined,
  watch: () => undefined,
  remember: () => undefined,
  finish: () => Promise.resolve(true),
};

/**
 * Starts a watchdog, in a session of its own, so that no signal for the terminal
 * or for this process's group reaches it.
 *
 * @throws {@link CommandError} `WATCHDOG_UNAVAILABLE`
 */
export async function startWatchdog(marks: Marks): Promise<Watchdog> {
  if (process.platform === "win32") return NONE;
  const watchdog = new Shells(marks);
  await watchdog.started();
  return watchdog;
}

/** What its processes are known by, before there are any. */
type Marks = Pick<TreeName, "marker" | "digits">;

class Shells implements Watchdog {
  readonly #marks: Marks;
  /** What a replacement has to be told. */
  readonly #said = new Map<string, string>();
  #shell: ChildProcess;
  #replacements = 0;
  #isFinishing = false;

  constructor(marks: Marks) {
    this.#marks = marks;
    this.#shell = this.#spawn();
  }

  /** @throws {@link CommandError} when it has not what it needs */
  async started(): Promise<void> {
    const shell = this.#shell;
    await once(shell, "spawn");
    const { stdout } = shell;
    const isReady = new Promise<boolean>((resolve) => {
      stdout?.once("data", () => resolve(true)).once("end", () => resolve(false));
    });
    if (await isReady) return;
    this.#isFinishing = true;
    throw new CommandError(
      "No program can be supervised here: /bin/sh with grep, cat, sed and awk is needed (elsewhere than on Linux, ps and awk). Install them",
      { exitCode: EXIT.error, code: "WATCHDOG_UNAVAILABLE" },
    );
  }

  expect(): void {
    this.#say("expect", "");
  }

  watch(pid: number | undefined): void {
    this.#said.delete("expect");
    this.#say("group", pid === undefined ? "" : String(pid));
  }

  remember(members: readonly Member[]): void {
    this.#say("known", members.map(({ id }) => id).join(" "));
  }

  async finish(): Promise<boolean> {
    this.#isFinishing = true;
    for (;;) {
      const shell = this.#shell;
      const { exitCode, signalCode } = shell;
      const ended = exitCode !== null || signalCode !== null || shell.pid === undefined;
      const exit = ended ? undefined : once(shell, "exit");
      shell.stdin?.end();
      await exit;
      if (shell.exitCode !== null || this.#replacements >= MAX_REPLACEMENTS) {
        return shell.exitCode === 0;
      }
      this.#replace();
    }
  }

  #say(word: string, rest: string): void {
    this.#said.set(word, rest);
    this.#shell.stdin?.write(`${word} ${rest}\n`);
  }

  #spawn(): ChildProcess {
    const { marker, digits } = this.#marks;
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "machineid-watchdog", marker, digits], {
      detached: true,
      env: SHELL_ENV,
      stdio: ["pipe", "pipe", "ignore"],
    });
    shell.stdin.on("error", () => undefined);
    shell.on("error", () => undefined);
    shell.once("exit", () => {
      if (!this.#isFinishing && this.#replacements < MAX_REPLACEMENTS) this.#replace();
    });
    return shell;
  }

  #replace(): void {
    this.#replacements += 1;
    this.#shell = this.#spawn();
    for (const [word, rest] of this.#said) this.#shell.stdin?.write(`${word} ${rest}\n`);
  }
}
