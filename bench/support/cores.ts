import { readFileSync } from "node:fs";

/** Interrupts of disks, by the names that Linux gives them. */
const OF_DISKS = /virtio\d+-req|nvme|ahci|mmc/;

/**
 * The core that takes the most interrupts of disks, of the first two. Who waits for
 * commits is woken there at once, and on the other one by way of this.
 */
function coreOfDisks(): 0 | 1 {
  let lines: readonly string[];
  try {
    lines = readFileSync("/proc/interrupts", "utf8").split("\n");
  } catch {
    return 0;
  }
  const counts = lines
    .filter((line) => OF_DISKS.test(line))
    .map((line) => line.trim().split(/\s+/).slice(1, 3).map(Number));
  const sumOf = (core: 0 | 1): number => counts.reduce((sum, each) => sum + (each[core] ?? 0), 0);
  return sumOf(1) > sumOf(0) ? 1 : 0;
}

/** The processor core for a process that waits for its disk. */
export const DISK_CORE = coreOfDisks();
/** The core for one that does not. */
export const OTHER_CORE = 1 - DISK_CORE;
