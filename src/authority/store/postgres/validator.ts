import { StoreUnavailableError } from "../errors.ts";
import { Gathering } from "../gathering.ts";
import type { DecisionFacts } from "../ledger.ts";
import { validate } from "../operations/devices.ts";
import type { Caller, Refused } from "../caller.ts";
import type { Validated } from "../device-store.ts";
import { BatchFacts } from "./batch-facts.ts";
import type { Asked, Seen } from "./batch-facts.ts";
import { unavailable } from "./connection.ts";
import type { BatchStatistics, OpenBatch } from "./batch-statistics.ts";
import { clientConfig } from "./client-config.ts";
import type { PostgresSettings } from "./options.ts";
import { Deadline } from "./deadline.ts";
import type { PendingEntry } from "./group-ledger.ts";
import { prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";

/** Reads that are under way at once; what comes meanwhile is read together. */
const READS_AT_ONCE = 2;
const REQUESTS_AT_ONCE = 1_000;
/** So few are read together, whoever else is waiting. */
const REQUESTS_UNDIVIDED = 16;

/*
 * All that a batch of decisions rests on, in one statement on the primary, and so
 * of one moment after each of its requests arrived. Of a device only its
 * revocation is told: empty when there is none, "-" when there is no device.
 */
const READ = {
  name: "machineid_validate",
  text: `
    WITH known AS MATERIALIZED (
      SELECT a.n, k.org_id, to_json(k) AS key, to_json(o) AS org
      FROM unnest($1::text[]) WITH ORDINALITY AS a (hash, n)
        JOIN machineid.keys k ON k.hash = a.hash
        LEFT JOIN machineid.orgs o ON o.id = k.org_id
    )
    SELECT s.version, s.ttl_ms, s.wait_ms, s.terms_version, pg_is_in_recovery() AS standby,
      ($4::text IS NULL
        OR EXISTS (SELECT FROM machineid.replicas WHERE id = $4 AND state = 'in')) AS member,
      coalesce((SELECT json_agg(json_build_array(key, org)) FROM known), '[]') AS known,
      (
        SELECT coalesce(string_agg(
          CASE WHEN d.found IS NULL THEN '-' ELSE coalesce(d.revoked_at::text, '') END,
          ',' ORDER BY a.n), '')
        FROM unnest($2::int[], $3::text[]) WITH ORDINALITY AS a (key, device_id, n)
          LEFT JOIN known k ON k.n = a.key
          LEFT JOIN LATERAL (
            SELECT true AS found, revoked_at FROM machineid.devices
            WHERE org_id = k.org_id AND device_id = a.device_id LIMIT 1
          ) d ON true
      ) AS devices
    FROM machineid.state s`,
};

interface Request {
  readonly keyHash: string;
  readonly deviceIds: readonly string[];
  readonly step: (facts: DecisionFacts) => unknown;
  readonly resolve: (outcome: never) => void;
  readonly reject: (error: StoreUnavailableError) => void;
}

interface Batch {
  readonly requests: Request[];
  readonly deadline: Deadline;
  readonly open: OpenBatch;
}

export interface ValidatorHooks {
  /** Adds to the audit; resolves when it is committed. */
  readonly append: (entries: readonly PendingEntry[]) => Promise<void>;
  /** A device asked for a decision. */
  readonly seen: Seen;
  /** A version was seen committed. */
  readonly saw: (version: number) => void;
  /** Says as what this process entered itself among those that give allows. */
  readonly member: () => string | undefined;
  /** It is none of them any more: it enters anew, and throws. */
  readonly expelled: (id: string | undefined) => Promise<never>;
}

/** Decides whether devices may begin work, many at a time. */
export class Validator {
  readonly #session: Session<void>;
  readonly #timeoutMs: number;
  readonly #hooks: ValidatorHooks;
  readonly #statistics: BatchStatistics;
  readonly #underWay = new Set<Promise<void>>();
  readonly #gathering = new Gathering(
    () => this.#waiting?.requests.length ?? 0,
    () => this.#sendWaiting(),
  );
  #waiting: Batch | undefined;
  #reads = 0;
  #requestsUnderWay = 0;
  /** Whether the last batch had anything for the audit. */
  #writes = false;

  constructor(settings: PostgresSettings, statistics: BatchStatistics, hooks: ValidatorHooks) {
    this.#timeoutMs = settings.decisionTimeoutMs;
    this.#statistics = statistics;
    this.#hooks = hooks;
    this.#session = new Session({
      config: clientConfig(settings),
      prepare: (connection) => prepareStore(connection, settings),
    });
  }

  /** @throws StoreUnavailableError */
  validate(caller: Caller, deviceId: string, auditAllow: boolean): Promise<Validated | Refused> {
    return this.decide(caller, [deviceId], (facts) =>
      validate(facts, caller, deviceId, auditAllow),
    );
  }

  /** Decides from one read that begins after the call. @throws StoreUnavailableError */
  decide<Outcome>(
    { keyHash }: Pick<Caller, "keyHash">,
    deviceIds: readonly string[],
    step: (facts: DecisionFacts) => Outcome,
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const request = { keyHash, deviceIds, step, resolve, reject };
      if (this.#waiting?.deadline.isOver === false) {
        this.#waiting.requests.push(request);
        return;
      }
      const requests = [request];
      const open = this.#statistics.begin();
      this.#waiting = { requests, deadline: new Deadline(this.#timeoutMs, requests), open };
      this.#gatherWaiting();
    });
  }

  /** Reads as a decision would, and decides nothing. @throws StoreUnavailableError */
  async ready(): Promise<void> {
    const { connection } = await this.#session.open();
    await connection.query(READ, [[], [1], [""], null], this.#timeoutMs);
  }

  /** Finishes what was asked, and lets go of the connection. */
  async close(): Promise<void> {
    while (this.#waiting !== undefined || this.#underWay.size > 0) {
      this.#sendWaiting();
      await Promise.race(this.#underWay);
    }
    await this.#session.close();
  }

  #gatherWaiting(): void {
    if (this.#waiting !== undefined && this.#reads < READS_AT_ONCE) this.#gathering.begin();
  }

  #sendWaiting(): void {
    const batch = this.#waiting;
    if (batch === undefined || this.#reads >= READS_AT_ONCE) return;
    const most = this.#mostAtOnce(batch.requests.length);
    if (batch.requests.length > most) {
      const rest = batch.requests.splice(most);
      const open = this.#statistics.begin(batch.open.since);
      this.#waiting = { requests: rest, deadline: new Deadline(batch.deadline.left, rest), open };
    } else {
      this.#waiting = undefined;
    }
    const { length } = batch.requests;
    this.#requestsUnderWay += length;
    const done = this.#decide(batch).finally(() => {
      this.#requestsUnderWay -= length;
      this.#underWay.delete(done);
    });
    this.#underWay.add(done);
  }

  /**
   * Half of all who have asked, when decisions are written: while the database
   * commits one half, this process works for the other. All together would let each
   * wait for the other. A read alone is too short for that.
   */
  #mostAtOnce(waiting: number): number {
    if (!this.#writes) return REQUESTS_AT_ONCE;
    const half = Math.ceil((waiting + this.#requestsUnderWay) / 2);
    return Math.min(REQUESTS_AT_ONCE, Math.max(REQUESTS_UNDIVIDED, half));
  }

  async #decide({ requests, deadline, open }: Batch): Promise<void> {
    try {
      const facts = await this.#read(requests, deadline);
      const outcomes = requests.map(({ step }) => step(facts));
      this.#writes = facts.entries.length > 0;
      await this.#hooks.append(facts.entries);
      if (deadline.isOver) {
        this.#statistics.failed(open);
        return;
      }
      this.#statistics.committed(open, requests.length);
      requests.forEach(({ resolve }, index) => resolve(outcomes[index] as never));
      this.#hooks.saw(facts.version);
    } catch (error) {
      this.#statistics.failed(open);
      const reason = unavailable(error);
      for (const { reject } of requests) reject(reason);
    } finally {
      deadline.clear();
    }
  }

  /** Reads the facts. Whoever lost the connection reads once more: nothing was decided yet. */
  async #read(requests: readonly Request[], deadline: Deadline): Promise<BatchFacts> {
    this.#reads += 1;
    try {
      const hashes = new Map<string, number>();
      const keys: number[] = [];
      const asked: Asked[] = [];
      for (const { keyHash, deviceIds } of requests) {
        const place = hashes.get(keyHash) ?? hashes.size + 1;
        hashes.set(keyHash, place);
        for (const deviceId of deviceIds) {
          keys.push(place);
          asked.push({ keyHash, deviceId });
        }
      }
      const values = [[...hashes.keys()], keys, asked.map(({ deviceId }) => deviceId)];
      const row = await this.#query(values, deadline.left / 2).catch((error: unknown) => {
        if (deadline.isOver) throw error;
        return this.#query(values, deadline.left);
      });
      return new BatchFacts(row, asked, this.#hooks.seen);
    } finally {
      this.#reads -= 1;
      this.#gatherWaiting();
    }
  }

  async #query(values: readonly unknown[], timeoutMs: number): Promise<unknown> {
    const { connection } = await this.#session.open();
    const id = this.#hooks.member();
    const all = [...values, id ?? null];
    type Row = { readonly standby: boolean; readonly member: boolean };
    const [row] = await connection.query<Row>(READ, all, timeoutMs);
    if (row?.member === false) return this.#hooks.expelled(id);
    if (row?.standby !== false) {
      connection.cut();
      throw new StoreUnavailableError("the server has become a standby, which may be behind");
    }
    return row;
  }
}
