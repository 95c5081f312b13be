import { styleText, stripVTControlCharacters } from "node:util";
import { padded, widthOf } from "./text-width.ts";

/** The only place that writes to the terminal. Answers go to stdout, all else to stderr. */

/** Characters that move the cursor, change colours or reverse text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text from elsewhere, made fit for a terminal: what could act there is spelled out. */
export function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A key that stands where none belongs. */
const KEY = /\b(org|opr|agt|viw|adm)_[\x21\x23-\x5b\x5d-\x7e]{12,}/g;

/** Text without the keys that got into it. */
export function hideKeys(text: string): string {
  return text.replaceAll(KEY, "$1_…");
}

/** Writes an answer for people. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes an answer for programs: one value, one line. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Writes lines to stdout as fast as they are read there, and stops when nobody reads any more. */
export async function printLines(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const line of lines) {
    if (stdout.destroyed) return;
    if (!stdout.write(`${line}\n`)) await drained(stdout);
  }
}

/** Writes one line to stderr. */
export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A text that is shown on stdout, without colours where stdout is no terminal. */
export function forStdout(text: string): string {
  return process.stdout.isTTY ? text : stripVTControlCharacters(text);
}

/** So many of something, in words. */
export const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

export type Style = Parameters<typeof styleText>[0];

/** Colours text where stdout is a terminal and `NO_COLOR` is not set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Columns as wide as their widest cell. Nothing follows the last one. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
    });
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : padded(cell, widths[index] ?? 0)))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

/** Resolves when a stream has let go of everything that was written to it, or has lost it. */
const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });

let lost: NodeJS.ErrnoException | undefined;

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read the answer has read enough, as `| head` does.
  if (error.code !== "EPIPE") lost = error;
});

// Nobody is left to be told, and what is being done goes on.
process.stderr.on("error", () => undefined);

/** Resolves when everything written so far has left the process; with the error if it was lost. */
export async function flushed(): Promise<Error | undefined> {
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  // An error of a write is told a turn later.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return lost;
}
