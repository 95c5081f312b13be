import { printError } from "../output.ts";

/** How far something is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

const WIDTH = 30;

/** One line that shows how far something is, and how long it may take yet. */
export function renderProgress({ done, total }: Progress, elapsedMs: number, started = 0): string {
  const share = total === 0 ? 1 : done / total;
  const bar = "█".repeat(Math.round(share * WIDTH)).padEnd(WIDTH, "░");
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const perMs = (done - started) / elapsedMs;
  const seconds = Math.ceil((total - done) / perMs / 1_000);
  const left = done === total || !Number.isFinite(seconds) ? "" : `, ${seconds} s left`;
  return `${bar} ${percent}  ${done} of ${total} audit entries${left}`;
}

/**
 * Shows progress on stderr: as a bar that moves where that is a terminal, else
 * as a line at every tenth.
 */
export function showProgress(): (progress: Progress) => void {
  const began = performance.now();
  let first: number | undefined;
  let tenth = -1;
  return (progress) => {
    const { done, total } = progress;
    first ??= done;
    if (process.stderr.isTTY) {
      const line = renderProgress(progress, performance.now() - began, first);
      process.stderr.write(`\r\u001b[K${line}${done === total ? "\n" : ""}`);
      return;
    }
    const now = total === 0 ? 10 : Math.floor((done * 10) / total);
    if (now === tenth) return;
    tenth = now;
    printError(`${now * 10} %: ${done} of ${total} audit entries`);
  };
}
