import { randomUUID } from "node:crypto";
import type {
  LeaseMembership,
  ReplicaAnswers,
  ReplicaQuestion,
  ReplicaRow,
  ReplicaStanding,
  StopReport,
  StopReported,
} from "../lease-store.ts";
import { StoreUnavailableError } from "../errors.ts";
import type { Announcements } from "./announcements.ts";
import type { Connection } from "./connection.ts";
import { ReplicaQuestions } from "./replica-questions.ts";
import { LOCK_CLASS, LOCKS } from "./prepare.ts";

/** The channel on which replicas hear that one of them has reported a stop. */
export const REPORTS = "machineid_reports";

/** How many versions back reports are kept, and what is known of replicas that are gone. */
const KEPT_VERSIONS = 100_000;

/** Replicas of a version that enters itself nowhere; the schema that brought the rows wrote it. */
const EARLIER = "earlier";

/*
 * What need not be durable: a statement that is true for ever may be lost with the
 * server, and is then not known.
 */
const QUICKLY =
  "quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS off)";

const ENTER = {
  name: "machineid_enter",
  text: `INSERT INTO machineid.replicas (id, state, since)
    SELECT $1, 'in', version FROM machineid.state`,
};
const LIVE = {
  name: "machineid_live",
  text: `
    WITH ${QUICKLY}, beaten AS (
      UPDATE machineid.replicas SET beat = beat + 1 FROM quickly WHERE id = $1
    )
    SELECT s.timeline, s.settled, r.id, r.state, r.beat FROM machineid.state s
      LEFT JOIN machineid.replicas r ON r.state <> 'gone'`,
};
/*
 * Whether a replica of the schema before may still be at work. It connects no
 * more, so it can only have connections that were there when this is first
 * asked, which is after that schema was left.
 */
const EARLIER_ONES = {
  name: "machineid_earlier",
  text: `
    WITH entering AS (
      SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = ${LOCK_CLASS}
        AND objid = ${LOCKS.entering} AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), others AS MATERIALIZED (
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND pid NOT IN (SELECT pid FROM entering)
    ), noted AS (
      UPDATE machineid.replicas SET sessions = coalesce((SELECT array_agg(pid) FROM others), '{}')
      WHERE id = '${EARLIER}' AND sessions IS NULL
    )
    SELECT EXISTS (
      SELECT FROM others o, machineid.replicas r
      WHERE r.id = '${EARLIER}' AND (r.sessions IS NULL OR o.pid = ANY (r.sessions))
    ) AS living`,
};
const MARK_OUT = {
  name: "machineid_mark_out",
  text: "UPDATE machineid.replicas SET state = 'out' WHERE id = $1 AND state = 'in'",
};
/* What it knew of its holders is gone with it. */
const REMOVE = {
  name: "machineid_remove",
  text: `UPDATE machineid.replicas r SET state = 'gone', until = s.version
    FROM machineid.state s WHERE r.id = $1 AND r.state = 'out'`,
};
const SETTLE = {
  name: "machineid_settle",
  text: "UPDATE machineid.state SET settled = true WHERE timeline = $1",
};
const LEAVE = {
  name: "machineid_leave",
  text: "DELETE FROM machineid.replicas WHERE id = $1",
};
const CLEAN = {
  name: "machineid_clean",
  text: `
    WITH ${QUICKLY}, cut AS (
      DELETE FROM machineid.reports p USING machineid.state s, quickly
      WHERE p.version <= s.version - ${KEPT_VERSIONS}
    )
    DELETE FROM machineid.replicas r USING machineid.state s, quickly
    WHERE r.state = 'gone' AND r.until <= s.version - ${KEPT_VERSIONS}`,
};
const REPORT = {
  name: "machineid_report",
  text: `
    WITH ${QUICKLY}, told AS (
      INSERT INTO machineid.reports (version, replica, holders, drained, is_drained)
      SELECT n.version, $1, n.holders, n.drained, n."isDrained" FROM quickly,
        json_to_recordset($2) AS n (version bigint, holders bigint, drained bigint, "isDrained" boolean)
      ON CONFLICT (version, replica) DO UPDATE SET holders = excluded.holders,
        drained = excluded.drained, is_drained = excluded.is_drained
      RETURNING version
    )
    SELECT pg_notify('${REPORTS}', '') FROM (SELECT count(*) FROM told) AS counted`,
};
const REPORTED = {
  name: "machineid_reported",
  text: `
    SELECT a.version::float8 AS version,
      s.settled AND s.timeline = $3 AND NOT EXISTS (
        SELECT FROM machineid.replicas r
        WHERE r.id <> $2 AND r.state <> 'gone' AND r.since < a.version AND NOT EXISTS (
          SELECT FROM machineid.reports p WHERE p.version = a.version AND p.replica = r.id
        )
      ) AS "areFenced",
      s.settled AND s.timeline = $3 AND NOT EXISTS (
        SELECT FROM machineid.replicas r
        WHERE r.id <> $2 AND r.since < a.version AND (r.state <> 'gone' OR r.until >= a.version)
          AND NOT EXISTS (
            SELECT FROM machineid.reports p WHERE p.version = a.version AND p.replica = r.id
          )
      ) AND coalesce(t.are_drained, true) AS "areDrained",
      coalesce(t.holders, 0)::float8 AS holders, coalesce(t.drained, 0)::float8 AS drained
    FROM machineid.state s, unnest($1::bigint[]) AS a (version)
      LEFT JOIN LATERAL (
        SELECT sum(p.holders) AS holders, sum(p.drained) AS drained, bool_and(p.is_drained) AS are_drained
        FROM machineid.reports p WHERE p.version = a.version AND p.replica <> $2
      ) t ON true`,
};

const CLEAN_EVERY = 60;

export interface MembershipOptions {
  readonly timeoutMs: number;
  readonly use: <Result>(work: (connection: Connection) => Promise<Result>) => Promise<Result>;
  readonly announcements: Announcements;
}

interface LiveRow {
  readonly timeline: string | null;
  readonly settled: boolean;
  readonly id: string | null;
  readonly state: "in" | "out";
  readonly beat: number;
}

/** Unknown where the server does not tell its timeline. */
interface ReportedRow extends Pick<StopReported, "version" | "holders" | "drained"> {
  readonly areFenced: boolean | null;
  readonly areDrained: boolean | null;
}

/** The replicas of one database that may have given allows which are in use; this one among them, once it has entered. */
export class Membership implements LeaseMembership {
  readonly isExclusive = false;
  readonly #options: MembershipOptions;
  readonly #questions: ReplicaQuestions;
  #id: string | undefined;
  #entering: Promise<void> | undefined;
  #looks = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#questions = new ReplicaQuestions({
      query: (statement, values) => this.#query(statement, values),
      announcements: options.announcements,
      id: () => this.#id,
    });
  }

  /** As what it has entered itself. */
  get id(): string | undefined {
    return this.#id;
  }

  enter(): Promise<void> {
    return this.#enterAnew(this.#id);
  }

  /** Others took this process for ended. Nothing was decided: it enters anew, and throws. @throws StoreUnavailableError */
  async expelled(id: string | undefined): Promise<never> {
    await this.#returnFrom(id);
    throw new StoreUnavailableError("other replicas took this one for ended; it has entered anew");
  }

  async leave(isClear: boolean): Promise<void> {
    const id = this.#id;
    if (id !== undefined) await this.#query(isClear ? LEAVE : MARK_OUT, [id]);
  }

  async live(): Promise<ReplicaStanding> {
    this.#looks += 1;
    if (this.#looks % CLEAN_EVERY === 0) await this.#query(CLEAN, []);
    const id = this.#id;
    const { rows, timeline } = await this.#options.use(async (connection) => ({
      rows: await connection.query<LiveRow & Record<string, unknown>>(
        LIVE,
        [id],
        this.#options.timeoutMs,
      ),
      timeline: connection.timeline,
    }));
    const present = rows.filter((row) => row.id !== null);
    if (id !== undefined && !present.some((row) => row.id === id && row.state === "in")) {
      await this.#returnFrom(id);
    }
    const others: ReplicaRow[] = [];
    for (const row of present) {
      if (row.id === null || row.id === this.#id) continue;
      const life = row.id === EARLIER ? await this.#lifeOfEarlier() : row.beat;
      others.push({ id: row.id, state: row.state, life });
    }
    const [first] = rows;
    const isSettled = first === undefined || timeline === undefined || first.settled;
    return { others, unsettled: isSettled ? undefined : timeline };
  }

  async markOut(id: string): Promise<void> {
    await this.#query(MARK_OUT, [id]);
  }

  async remove(id: string): Promise<void> {
    await this.#query(REMOVE, [id]);
  }

  async settle(timeline: string): Promise<void> {
    await this.#query(SETTLE, [timeline]);
  }

  async report(reports: readonly StopReport[]): Promise<void> {
    await this.#query(REPORT, [this.#id, JSON.stringify(reports)]);
  }

  async reported(versions: readonly number[]): Promise<readonly StopReported[]> {
    const { use, timeoutMs } = this.#options;
    const rows = await use((connection) =>
      connection.query<ReportedRow & Record<string, unknown>>(
        REPORTED,
        [versions, this.#id ?? "", connection.timeline ?? null],
        timeoutMs,
      ),
    );
    return rows.map((row) => ({
      ...row,
      areFenced: row.areFenced ?? false,
      areDrained: row.areDrained ?? false,
    }));
  }

  onReport(listener: () => void): () => void {
    return this.#options.announcements.listen(REPORTS, listener);
  }

  ask(question: ReplicaQuestion): Promise<ReplicaAnswers> {
    return this.#questions.ask(question);
  }

  onQuestion(answer: (subject: string) => Promise<string>): () => void {
    return this.#questions.onQuestion(answer);
  }

  /** Enters it under another name, if it is still known by this one. */
  async #returnFrom(id: string | undefined): Promise<void> {
    if (this.#id === id) await this.#enterAnew(id);
  }

  #enterAnew(known: string | undefined): Promise<void> {
    this.#entering ??= (async () => {
      const id = randomUUID();
      await this.#query(ENTER, [id]);
      // Nobody is to wait for what a name before gave longer than has to be.
      if (known !== undefined) await this.markOut(known);
      this.#id = id;
    })().finally(() => {
      this.#entering = undefined;
    });
    return this.#entering;
  }

  async #lifeOfEarlier(): Promise<ReplicaRow["life"]> {
    const [row] = await this.#query<{ living: boolean }>(EARLIER_ONES, []);
    return row?.living === false ? "over" : "certain";
  }

  #query<Row extends Record<string, unknown>>(
    statement: typeof ENTER,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const { use, timeoutMs } = this.#options;
    return use((connection) => connection.query<Row>(statement, values, timeoutMs));
  }
}
