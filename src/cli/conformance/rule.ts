import type { Subject } from "./subject.ts";

/** One sentence of the contract, and how it is looked at. */
export interface Rule {
  /** Names it for ever: programs pick rules by it. */
  readonly id: string;
  /** The rule itself, as a sentence. */
  readonly says: string;
  /** It cannot be looked at without the administrator's key. */
  readonly needsAdmin?: boolean;
  /** It belongs to an extension that `meta` names. */
  readonly feature?: string;
  /** @throws Violation when the authority breaks the rule, NotOffered when it has nothing of the kind */
  readonly check: (subject: Subject) => Promise<void>;
}

/** The authority breaks a rule; the message says what was seen. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** The authority has nothing that the rule is about; the message says why. */
export class NotOffered extends Error {
  override readonly name = "NotOffered";
}

/** @throws Violation */
export function must(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Violation(otherwise);
}

/** What was seen, short enough for a line. */
export function seen(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
