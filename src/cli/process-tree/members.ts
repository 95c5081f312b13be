import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Shell function `members MARKER GROUP KNOWN DIGITS`: prints the living processes
 * of a tree as `PID:START:GROUP`, one a line. Those are all that have the marker in
 * their environment or a limit that begins with DIGITS, all of the group and its
 * session, those of KNOWN that are still the same process, and the descendants of
 * all these. DIGITS may be empty.
 */
const FROM_PROC = String.raw`
members() {
  {
    {
      # Without -z BusyBox sees the first variable alone.
      grep -lszF -e "$1" /proc/[0-9]*/environ
      [ -z "$4" ] || grep -ls -e "^Max file locks  *$4" /proc/[0-9]*/limits
    } | sed -n 's|^/proc/\([0-9]*\)/[a-z]*$|m \1|p'
    cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) (.*) \(.*\)$/s \1 \2/p'
  } | awk -v group="$2" -v known="$3" '
    BEGIN {
      count = split(known, list, " ")
      for (i = 1; i <= count; i++) { split(list[i], part, ":"); seen[part[1] ":" part[2]] = 1 }
    }
    $1 == "m" { member[$2] = 1 }
    $1 == "s" && $3 != "Z" && $3 != "X" {
      parent[$2] = $4; pgrp[$2] = $5; start[$2] = $22
      if (group != "" && ($5 == group || $6 == group)) member[$2] = 1
      if (($2 ":" $22) in seen) member[$2] = 1
    }
    END {
      do {
        grew = 0
        for (pid in parent) if (!(pid in member) && (parent[pid] in member)) { member[pid] = 1; grew = 1 }
      } while (grew)
      for (pid in member) if (pid in start) print pid ":" start[pid] ":" pgrp[pid]
    }'
}
`;

/** Without /proc no environment can be read: the group, and its descendants. */
const FROM_PS = String.raw`
members() {
  ps -A -o pid= -o ppid= -o pgid= -o stat= | awk -v group="$2" '
    $4 !~ /^Z/ { parent[$1] = $2; pgrp[$1] = $3; if (group != "" && $3 == group) member[$1] = 1 }
    END {
      do {
        grew = 0
        for (pid in parent) if (!(pid in member) && (parent[pid] in member)) { member[pid] = 1; grew = 1 }
      } while (grew)
      for (pid in member) if (pid in parent) print pid "::" pgrp[pid]
    }'
}
`;

/** How the members of a tree are found: `proc` on Linux, `ps` elsewhere. */
export type Listing = "proc" | "ps";

export const LISTING: Listing = process.platform === "linux" ? "proc" : "ps";

/** Ends the shell where a tool is missing: an empty list would say that nothing is left. */
const needs = (...tools: readonly string[]): string =>
  `for tool in ${tools.join(" ")}; do command -v "$tool" > /dev/null || exit 69; done\n`;

export const MEMBERS: Readonly<Record<Listing, string>> = {
  proc: needs("grep", "cat", "sed", "awk") + FROM_PROC,
  ps: needs("ps", "awk") + FROM_PS,
};

/** What shells of ours need to know of the environment. */
export const SHELL_ENV = {
  PATH: `/usr/local/bin:/usr/bin:/bin:${process.env["PATH"] ?? ""}`,
  LC_ALL: "C",
} as const;

/** One process, such that another one that gets its id later is not taken for it. */
export interface Member {
  readonly pid: number;
  readonly group: number;
  readonly id: string;
}

export interface TreeName {
  /** Stands in the environment of every process of the tree that has not changed it. */
  readonly marker: string;
  /** What the limit of each process begins with; empty where there is no such mark. */
  readonly digits: string;
  readonly group: number;
}

const run = promisify(execFile);

/**
 * The living processes of a tree, zombies not among them.
 *
 * @param known those found before, which still belong to it when their parents have ended
 * @throws the error of the system when they cannot be listed
 */
export async function findMembers(
  { marker, digits, group }: TreeName,
  known: readonly Member[] = [],
  listing: Listing = LISTING,
): Promise<readonly Member[]> {
  const script = `${MEMBERS[listing]}\nmembers "$@"`;
  const ids = known.map(({ id }) => id).join(" ");
  const args = ["-c", script, "machineid-members", marker, String(group), ids, digits];
  const { stdout } = await run("/bin/sh", args, { env: SHELL_ENV, maxBuffer: 2 ** 26 });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((id) => ({ pid: Number.parseInt(id, 10), group: Number(id.split(":")[2]), id }));
}
