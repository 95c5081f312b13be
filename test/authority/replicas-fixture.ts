import { setTimeout as delay } from "node:timers/promises";
import { postgresStore } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";

export const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";
/** What stops wait for, and 1 %, and a little. */
export const WAIT_MS = 10_101;

/** How far a stop has come, as the authority answers it. */
export interface Progress {
  readonly version: number;
  readonly state: string;
  readonly holders: number;
  readonly fenced: number;
  readonly drained: number;
}

/** A replica as it is entered in the database. */
export interface ReplicaRow {
  readonly id: string;
  readonly state: string;
}

/**
 * Replicas in this process, on one database. Their clock stands still unless a
 * test moves it: whatever is fenced meanwhile is not fenced by time.
 */
export class Replicas implements AsyncDisposable {
  readonly database: TestDatabase;
  monotonicMs = 1_000_000;
  readonly #started: TestAuthority[] = [];

  private constructor(database: TestDatabase) {
    this.database = database;
  }

  static async onDatabase(serverUrl?: string): Promise<Replicas> {
    return new Replicas(await createDatabase(serverUrl));
  }

  async start(url = this.database.url): Promise<TestAuthority> {
    const store = await postgresStore({ url });
    const monotonicMs = (): number => this.monotonicMs;
    const replica = await startTestAuthority({ store, ownerKey: OWNER_KEY, monotonicMs });
    this.#started.push(replica);
    return replica;
  }

  /** Three, with one device that is registered. */
  async startThree(): Promise<readonly [TestAuthority, TestAuthority, TestAuthority]> {
    const all = [await this.start(), await this.start(), await this.start()] as const;
    await this.post(all[0], "devices/register", { deviceId: "a" });
    return all;
  }

  post(replica: TestAuthority, path: string, body: unknown): Promise<Answer> {
    return call(replica, "POST", `/api/v1/${path}`, body);
  }

  async revoke(replica: TestAuthority, wait = "none", deviceId = "a"): Promise<Progress> {
    const body = { deviceId, wait, timeout_ms: 30_000 };
    return (await this.post(replica, "devices/revoke", body)).body["stop"] as Progress;
  }

  async read(replica: TestAuthority, version: number): Promise<Progress> {
    return (await call(replica, "GET", `/api/v1/stops/${version}`)).body["stop"] as Progress;
  }

  async until(replica: TestAuthority, version: number, state: string): Promise<Progress> {
    for (;;) {
      const progress = await this.read(replica, version);
      if (progress.state === state) return progress;
      await delay(20);
    }
  }

  /** Looks often enough for whatever may be reported meanwhile to have been. */
  async stays(replica: TestAuthority, version: number, state = "pending"): Promise<void> {
    for (let look = 0; look < 15; look += 1) {
      const { state: found } = await this.read(replica, version);
      if (found !== state) throw new Error(`stop ${version} is ${found}, and not ${state}`);
      await delay(20);
    }
  }

  rows(): Promise<ReplicaRow[]> {
    return this.database.sql<ReplicaRow>("SELECT id, state FROM machineid.replicas ORDER BY id");
  }

  async rowsUntil(fits: (rows: ReplicaRow[]) => boolean): Promise<void> {
    while (!fits(await this.rows())) await delay(20);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((replica) => replica.close()));
    await this.database[Symbol.asyncDispose]();
  }
}
