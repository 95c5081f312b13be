import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ReplicaAnswers, ReplicaQuestion } from "../lease-store.ts";
import type { Announcements } from "./announcements.ts";

/** The channel on which a replica asks the others for what only they know. */
export const QUESTIONS = "machineid_questions";

/** Who has not answered by then is left out. */
const ANSWERED_WITHIN_MS = 1_000;
const LOOK_MS = 15;
const QUESTION = /^([0-9a-f-]{36}) (.+)$/s;

const ASK = {
  name: "machineid_ask",
  text: `SELECT pg_notify('${QUESTIONS}', $1)`,
};
const ANSWER = {
  name: "machineid_answer",
  text: "INSERT INTO machineid.answers (question, replica, holders) VALUES ($1, $2, $3)",
};
/* Those that can have answers, with what they answered. */
const ANSWERS = {
  name: "machineid_answers",
  text: `
    SELECT a.holders AS answer FROM machineid.replicas r
      LEFT JOIN machineid.answers a ON a.question = $1 AND a.replica = r.id
    WHERE r.id <> $2 AND r.state = 'in' AND r.since < $3 AND r.sessions IS NULL ORDER BY r.id`,
};
const FORGET = {
  name: "machineid_forget",
  text: `DELETE FROM machineid.answers
    WHERE question = $1 OR asked < clock_timestamp() - interval '1 minute'`,
};

export interface ReplicaQuestionsOptions {
  readonly query: <Row extends Record<string, unknown>>(
    statement: typeof ASK,
    values: readonly unknown[],
  ) => Promise<Row[]>;
  readonly announcements: Announcements;
  readonly id: () => string | undefined;
}

/** Asks the other replicas for what only they know, and answers them. */
export class ReplicaQuestions {
  readonly #options: ReplicaQuestionsOptions;
  /** How its own questions begin, which it hears too. */
  readonly #own = randomUUID().slice(0, 8);

  constructor(options: ReplicaQuestionsOptions) {
    this.#options = options;
  }

  /** Asks, and waits for a while. @throws StoreUnavailableError */
  async ask({ subject, before }: ReplicaQuestion): Promise<ReplicaAnswers> {
    const question = this.#own + randomUUID().slice(this.#own.length);
    await this.#options.query(ASK, [`${question} ${subject}`]);
    const end = performance.now() + ANSWERED_WITHIN_MS;
    for (;;) {
      const values = [question, this.#options.id() ?? "", before];
      const rows = await this.#options.query<{ answer: string | null }>(ANSWERS, values);
      const answers = rows.map(({ answer }) => answer).filter((answer) => answer !== null);
      const isComplete = answers.length === rows.length;
      if (isComplete || performance.now() > end) {
        if (rows.length > 0) await this.#options.query(FORGET, [question]);
        return { answers, isComplete };
      }
      await delay(LOOK_MS);
    }
  }

  /** @returns what ends it */
  onQuestion(answer: (subject: string) => Promise<string>): () => void {
    return this.#options.announcements.listen(QUESTIONS, (payload) => {
      const [, question, subject] = QUESTION.exec(payload) ?? [];
      const id = this.#options.id();
      if (question === undefined || subject === undefined || id === undefined) return;
      if (question.startsWith(this.#own)) return;
      const respond = async (): Promise<void> => {
        await this.#options.query(ANSWER, [question, id, await answer(subject)]);
      };
      // Anybody who may connect may ask anything. Who asked goes on without an answer.
      respond().catch(() => undefined);
    });
  }
}
