import { auditEntrySchema } from "../../wire/index.ts";
import type { AuditEntry } from "../../wire/index.ts";
import { digest, genesis } from "../store/audit-entry.ts";

/** Where a chain is not what was written. */
export interface ChainProblem {
  /** The first entry that is wrong or missing. */
  readonly seq: number;
  readonly message: string;
}

/** The place of an entry in its chain: its number and its hash. */
export interface ChainPlace {
  readonly seq: number;
  /** SHA-256, hex. */
  readonly head: string;
}

/** Where a chain begins of which nothing was removed. */
export const chainStart = (orgId: string, writer: string): ChainPlace => ({
  seq: 0,
  head: genesis(orgId, writer),
});

/** Recomputes a chain, line by line, until the first thing that is wrong. */
export class ChainVerifier {
  #place: ChainPlace;
  #problem: ChainProblem | undefined;
  #read = 0;

  /** @param start the place before the first line: the chain's start, or its checkpoint */
  constructor(start: ChainPlace) {
    this.#place = start;
  }

  /** The last entry that was found to follow from the one before. */
  get place(): ChainPlace {
    return this.#place;
  }

  get problem(): ChainProblem | undefined {
    return this.#problem;
  }

  /** Entries that were read and found to follow from the one before. */
  get read(): number {
    return this.#read;
  }

  /** Takes the next line. Answers with its entry, or undefined when it is not what was written. */
  add(line: string): AuditEntry | undefined {
    const { seq: last, head } = this.#place;
    const seq = last + 1;
    const entry = readEntry(line);
    if (entry !== undefined && entry.seq > seq) return this.#fail(seq, "the entry is missing");
    if (entry?.seq !== seq) return this.#fail(seq, "the entry is not what was written");
    if (entry.prev !== head) {
      return this.#read === 0
        ? this.#fail(seq, "the entry does not follow from where its chain begins")
        : this.#fail(last, `the entry is not the one that entry ${seq} follows`);
    }
    this.#place = { seq, head: digest(line) };
    this.#read += 1;
    return entry;
  }

  /** The chain must have come to this place now. */
  end({ seq, head }: ChainPlace): ChainProblem | undefined {
    const { seq: last, head: lastHead } = this.#place;
    if (this.#problem !== undefined) return this.#problem;
    if (last < seq) this.#fail(last + 1, "the entry is missing");
    else if (last > seq) this.#fail(seq + 1, "the entry is behind the end of its chain");
    else if (lastHead !== head) this.#fail(seq, "the last entry is not what was written");
    return this.#problem;
  }

  #fail(seq: number, message: string): undefined {
    this.#problem ??= { seq, message };
    return undefined;
  }
}

/** Reads a line as an entry; undefined when it is none. */
export function readEntry(line: string): AuditEntry | undefined {
  try {
    return auditEntrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
