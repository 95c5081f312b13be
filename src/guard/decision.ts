import type { Verdict } from "../wire/index.ts";

export type Allowed = Extract<Verdict, { outcome: "allowed" }>;

/** An allow. A refusal is never returned: it is thrown. */
export interface Decision {
  readonly allowed: true;
  readonly code: string;
  readonly requestId: string | undefined;
  /** Version of the authority's change log that was read; undefined on the hosted service. */
  readonly version: number | undefined;
}

export function toDecision({ code, requestId, version }: Allowed): Decision {
  return { allowed: true, code, requestId, version };
}

/** Checks under one lease get one decision, which nobody can change for the others. */
export class SettledDecisions {
  #verdict: Allowed | undefined;
  #decision: Decision | undefined;

  of(verdict: Allowed): Decision {
    if (verdict === this.#verdict && this.#decision !== undefined) return this.#decision;
    this.#verdict = verdict;
    this.#decision = Object.freeze(toDecision(verdict));
    return this.#decision;
  }
}
