import * as z from "zod/mini";
import { stopHolderSchema } from "../../wire/stops.ts";
import type { StopHolderAnswer } from "../../wire/index.ts";
import type { MonotonicClock } from "./clock.ts";
import type { HeldSessions } from "./held-sessions.ts";
import { holderAnswers, inOrder } from "./holder-answers.ts";
import {
  readSessionsSubject,
  sessionPage,
  sessionsAfter,
  sessionsKnownSchema,
  sessionsSubject,
} from "./org-sessions.ts";
import type { SessionPage, SessionsAsked, SessionsKnown } from "./org-sessions.ts";
import type { Replicas } from "./replicas.ts";
import { SessionCounts } from "./session-counts.ts";
import type { Stops } from "./stops.ts";

export interface EnquiriesOptions {
  readonly clock: MonotonicClock;
  readonly now: () => number;
  readonly sessions: HeldSessions;
  readonly stops: Stops;
  readonly replicas: Pick<Replicas, "ask">;
}

const holdersSchema = z.array(stopHolderSchema);

/** What people ask of stops and sessions: each process knows its own, and asks the others. */
export class Enquiries {
  readonly #options: EnquiriesOptions;
  readonly #counts: SessionCounts;

  constructor(options: EnquiriesOptions) {
    this.#options = options;
    this.#counts = new SessionCounts(options.sessions, options.clock);
  }

  /** Everybody whom a stop concerns, at all processes that answer. */
  async holdersOf(version: number): Promise<StopHolderAnswer[]> {
    const question = { subject: String(version), before: version };
    const { answers } = await this.#options.replicas.ask(question);
    const elsewhere = readAnswers(holdersSchema, answers).flat();
    return inOrder([...this.#holdersHere(version), ...elsewhere]);
  }

  /** How many sessions the devices of an org have, and whether all processes have said so. */
  async sessionsOf(asked: SessionsAsked): Promise<SessionPage & { readonly isComplete: boolean }> {
    const question = { subject: sessionsSubject(asked), before: Number.MAX_SAFE_INTEGER };
    const { answers, isComplete } = await this.#options.replicas.ask(question);
    const elsewhere = readAnswers(sessionsKnownSchema, answers);
    const page = sessionPage([await this.#sessionsHere(asked), ...elsewhere]);
    return { ...page, isComplete: isComplete && elsewhere.length === answers.length };
  }

  /** What another process is answered. @throws SyntaxError when nobody of ours has asked */
  async answer(subject: string): Promise<string> {
    const asked = readSessionsSubject(subject);
    return JSON.stringify(
      asked === undefined ? this.#holdersHere(Number(subject)) : await this.#sessionsHere(asked),
    );
  }

  async #sessionsHere({ orgId, after }: SessionsAsked): Promise<SessionsKnown> {
    return sessionsAfter(await this.#counts.of(orgId), after);
  }

  #holdersHere(version: number): StopHolderAnswer[] {
    const { stops, clock, now } = this.#options;
    const record = stops.get(version);
    if (record === undefined) return [];
    return holderAnswers(record, { monotonicMs: clock(), wallMs: now() });
  }
}

/** What other processes answered; what cannot be read is left out. */
function readAnswers<Schema extends z.ZodMiniType>(
  schema: Schema,
  texts: readonly string[],
): z.infer<Schema>[] {
  return texts.flatMap((text) => {
    try {
      const parsed = schema.safeParse(JSON.parse(text));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}
