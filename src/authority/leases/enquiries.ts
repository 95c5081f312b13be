import type { StopHolderAnswer } from "../../wire/index.ts";
import type { MonotonicClock } from "./clock.ts";
import type { HeldSessions } from "./held-sessions.ts";
import { holderAnswers, inOrder, readHolderAnswers } from "./holder-answers.ts";
import { countSessions, readSessionCounts, readSessionsSubject } from "./org-sessions.ts";
import { sessionPage, sessionsSubject } from "./org-sessions.ts";
import type { SessionCounts, SessionPage, SessionsAsked } from "./org-sessions.ts";
import type { Replicas } from "./replicas.ts";
import type { Stops } from "./stops.ts";

export interface EnquiriesOptions {
  readonly clock: MonotonicClock;
  readonly now: () => number;
  readonly sessions: HeldSessions;
  readonly stops: Stops;
  readonly replicas: Pick<Replicas, "ask">;
}

/** What people ask of stops and sessions: each process knows its own, and asks the others. */
export class Enquiries {
  readonly #options: EnquiriesOptions;

  constructor(options: EnquiriesOptions) {
    this.#options = options;
  }

  /** Everybody whom a stop concerns, at all processes that answer. */
  async holdersOf(version: number): Promise<StopHolderAnswer[]> {
    const { replicas } = this.#options;
    const elsewhere = await replicas.ask({ subject: String(version), before: version });
    return inOrder([...this.#holdersHere(version), ...readHolderAnswers(elsewhere)]);
  }

  /** How many sessions the devices of an org have, at all processes that answer. */
  async sessionsOf(asked: SessionsAsked): Promise<SessionPage> {
    const subject = sessionsSubject(asked);
    const elsewhere = await this.#options.replicas.ask({
      subject,
      before: Number.MAX_SAFE_INTEGER,
    });
    return sessionPage([this.#sessionsHere(asked), ...readSessionCounts(elsewhere)]);
  }

  /** What another process is answered. */
  answer(subject: string): string {
    const asked = readSessionsSubject(subject);
    const known = asked ? this.#sessionsHere(asked) : this.#holdersHere(Number(subject));
    return JSON.stringify(known);
  }

  #sessionsHere(asked: SessionsAsked): SessionCounts {
    const { sessions, clock } = this.#options;
    return countSessions(sessions, asked, clock());
  }

  #holdersHere(version: number): StopHolderAnswer[] {
    const { stops, clock, now } = this.#options;
    const record = stops.get(version);
    if (record === undefined) return [];
    return holderAnswers(record, { monotonicMs: clock(), wallMs: now() });
  }
}
