import type { Readable, Writable } from "node:stream";

const NEWLINE = 0x0a;

/** A line that is longer than anyone may send. */
export class LineTooLongError extends Error {
  override readonly name = "LineTooLongError";

  constructor(maxBytes: number) {
    super(`A line is longer than ${maxBytes} bytes`);
  }
}

/**
 * Reads a stream line by line. The next line is read when the one before has
 * been dealt with, so that a slow reader slows the writer down.
 *
 * @throws {@link LineTooLongError}
 */
export async function readLines(
  stream: Readable,
  maxBytes: number,
  onLine: (line: Buffer) => unknown,
): Promise<void> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const given of stream) {
    let chunk = given as Buffer;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE)) {
      const line = Buffer.concat([...parts, chunk.subarray(0, end)]);
      parts = [];
      length = 0;
      chunk = chunk.subarray(end + 1);
      if (line.length > maxBytes) throw new LineTooLongError(maxBytes);
      await onLine(line);
    }
    parts.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw new LineTooLongError(maxBytes);
  }
}

/** Writes a line; resolves when the stream takes more. */
export function writeLine(stream: Writable, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed || stream.writableEnded) {
      reject(new Error("The other side has gone"));
      return;
    }
    const isTaken = stream.write(`${line}\n`, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
    if (isTaken) resolve();
  });
}
