import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/**
 * A program whose family is hard to end: a child, a child in a session of its
 * own, a grandchild whose parent has gone, and a child in a session of its own
 * with an empty environment. Each tells its process id in `$FILE`, goes on
 * writing into `$FILE.ticks`, and none of them heeds SIGTERM.
 */
export const FAMILY = String.raw`
trap '' TERM HUP INT
WORK='trap "" TERM HUP INT; echo $$ >> "$FILE"; while :; do echo $$ >> "$FILE.ticks"; sleep 0.02; done'
sh -c "$WORK" &
setsid sh -c "$WORK" &
(WORK="$WORK" setsid sh -c 'sh -c "$WORK" & exit')
env -i PATH="$PATH" FILE="$FILE" setsid sh -c "$WORK" &
echo $$ >> "$FILE"
while :; do echo $$ >> "$FILE.ticks"; sleep 0.02; done
`;
export const FAMILY_SIZE = 5;

/** Whether a process is there and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** What a file holds; the other when there is none, or when the process that it tells of has just ended. */
export function readOr(file: string, otherwise = ""): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}

/** Process ids of a family, when all have told theirs. */
export async function familyIn(file: string, size = FAMILY_SIZE): Promise<readonly number[]> {
  for (;;) {
    const lines = readOr(file).split("\n").slice(0, -1);
    if (lines.length === size) return lines.map(Number);
    await delay(5);
  }
}

export async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid))) await delay(5);
}

/** Resolves when a file has become longer than it is now. */
export async function untilWritten(file: string): Promise<void> {
  const before = readOr(file).length;
  while (readOr(file).length <= before) await delay(5);
}
