import { appendFileSync, closeSync, fstatSync, openSync, readSync } from "node:fs";

/** One side effect of a canary, in nanoseconds of {@link now}. */
export interface SideEffect {
  /** When it was asked whether it may begin. */
  readonly askedNs: bigint;
  readonly beganNs: bigint;
}

/** Nanoseconds on the one monotonic clock that all processes of this machine share. */
export const now = (): bigint => process.hrtime.bigint();

/** Leaves a side effect, which begins now. */
export function leave(file: string, askedNs: bigint): void {
  appendFileSync(file, `${askedNs} ${now()}\n`);
}

/** Reads the side effects that a file was left with since it was read before. */
export class SideEffects {
  readonly #file: string;
  #position = 0;

  constructor(file: string) {
    this.#file = file;
  }

  readNew(): readonly SideEffect[] {
    const text = this.#readFrom(this.#position);
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    this.#position += whole.length;
    return whole.split("\n").slice(0, -1).map(parse);
  }

  #readFrom(position: number): string {
    // One that has left nothing yet has no file.
    const fd = openSync(this.#file, "a+");
    try {
      const buffer = Buffer.alloc(Math.max(fstatSync(fd).size - position, 0));
      const count = readSync(fd, buffer, 0, buffer.length, position);
      return buffer.toString("latin1", 0, count);
    } finally {
      closeSync(fd);
    }
  }
}

function parse(line: string): SideEffect {
  const [asked = "", began = ""] = line.split(" ");
  return { askedNs: BigInt(asked), beganNs: BigInt(began) };
}
