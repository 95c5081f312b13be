import type { MachineID } from "../../client/index.ts";
import { readEvents } from "../../events/index.ts";
import type { EventsOptions } from "../../events/index.ts";
import {
  orgStateAnswerSchema,
  RESET_EVENT,
  sessionsAnswerSchema,
  stopAnswerSchema,
} from "../../wire/index.ts";
import type { DeviceSessions } from "../../wire/index.ts";
import { failed } from "../answer.ts";
import { listDevices } from "../list-devices.ts";
import { oneLine } from "../report-error.ts";
import type { Fleet, Sessions } from "./fleet.ts";

export interface SourcesOptions {
  readonly client: MachineID;
  readonly fleet: Fleet;
  readonly events: Pick<EventsOptions, "orgKey" | "baseUrl" | "allowInsecureHttp">;
  /** Devices that are shown; undefined shows all. */
  readonly pattern: string | undefined;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** What was listed is read anew after so long, even when nothing was changed, in milliseconds. */
const LIST_EVERY_MS = 10_000;
/** Stops of the past whose progress is looked at. */
const MOST_PAST_STOPS = 10;
const MOST_STOPS = 100;
const NOT_FOUND = 404;
const SOME_ARE_MISSING =
  "sessions of a process of the authority are missing, which has not answered";

/** Reads what a fleet is told of: lists, stops and sessions again and again, events as they come. */
export class Sources {
  readonly #options: SourcesOptions;
  /** Changes of which it is not known whether they are stops. */
  readonly #changes = new Set<number>();
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #sessionsDueMs = 0;
  #isReadingSessions = false;
  #hasReadSessions = false;
  #isFirst = true;

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /** Reads events until the signal ends it. Never rejects: what goes wrong is the fleet's problem. */
  async follow(): Promise<void> {
    const { events, fleet, signal } = this.#options;
    try {
      for await (const received of readEvents({ ...events, signal })) {
        if (received.type === RESET_EVENT) this.#listedAtMs = Number.NEGATIVE_INFINITY;
        else if (received.type === "decision") fleet.decided(received.event);
        else this.#changed(received.event.version);
      }
    } catch (error) {
      if (!signal.aborted) fleet.problem("events", `no events: ${reasonOf(error)}`);
    }
  }

  /**
   * Reads what may have changed.
   *
   * @throws {@link RequestError}, {@link CommandError} when the devices cannot be listed
   */
  async refresh(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#listedAtMs >= LIST_EVERY_MS) {
      this.#listedAtMs = nowMs;
      await Promise.all([this.#list(), this.#readOrg()]);
    }
    const areDue = nowMs >= this.#sessionsDueMs && !this.#isReadingSessions;
    const sessions = areDue ? this.#readSessions() : undefined;
    // Those of a large fleet take their time. What is shown first has them.
    await Promise.all([this.#readStops(), this.#hasReadSessions ? undefined : sessions]);
  }

  /** What was listed is to be listed anew. */
  stale(): void {
    this.#listedAtMs = Number.NEGATIVE_INFINITY;
  }

  #changed(version: number): void {
    this.stale();
    if (this.#changes.size < MOST_STOPS) this.#changes.add(version);
  }

  async #list(): Promise<void> {
    const { client, fleet, pattern } = this.#options;
    const { devices = [] } = await listDevices(client, pattern);
    fleet.list(devices);
    if (!this.#isFirst) return;
    this.#isFirst = false;
    const latest = fleet.revoked
      .toSorted((a, b) => (b.revokedAt ?? "").localeCompare(a.revokedAt ?? ""))
      .slice(0, MOST_PAST_STOPS);
    for (const { version } of latest) if (version !== undefined) this.#changes.add(version);
  }

  /** Viewers of a hosted service have none to read. */
  async #readOrg(): Promise<void> {
    const { client, fleet } = this.#options;
    const { body } = await client.request("readOrg");
    fleet.org(orgStateAnswerSchema.safeParse(body).data?.stopped ?? null);
  }

  async #readStops(): Promise<void> {
    const { client, fleet } = this.#options;
    const versions = new Set([...this.#changes, ...fleet.pendingStops]);
    this.#changes.clear();
    await Promise.all(
      [...versions].map(async (version) => {
        const { body } = await client.request("readStop", { version });
        const read = stopAnswerSchema.safeParse(body);
        // Not every change is a stop, and a stop is forgotten in time.
        if (read.success) fleet.stop(read.data);
        else fleet.forgetStop(version);
      }),
    );
  }

  /** Reads all of them; more than a page as seldom as lists are. Never rejects, as events. */
  async #readSessions(): Promise<void> {
    const { fleet, signal } = this.#options;
    this.#isReadingSessions = true;
    try {
      const read = await this.#allSessions();
      fleet.sessions(read);
      fleet.problem("sessions", read?.isComplete === false ? SOME_ARE_MISSING : undefined);
    } catch (error) {
      if (!signal.aborted) fleet.problem("sessions", `sessions not up to date: ${reasonOf(error)}`);
    }
    this.#isReadingSessions = false;
    this.#hasReadSessions = true;
  }

  /** Null where the authority does not tell of them. */
  async #allSessions(): Promise<Sessions | null> {
    const { client, signal } = this.#options;
    const ofDevices: DeviceSessions[] = [];
    let isComplete = true;
    for (let cursor: string | undefined; ;) {
      const answer = await client.request("readSessions", { cursor }, { signal });
      if (answer.status === NOT_FOUND) return null;
      const read = sessionsAnswerSchema.safeParse(answer.body);
      if (!read.success) throw failed(answer, "Reading sessions");
      const { sessions: all, devices, complete } = read.data;
      ofDevices.push(...devices);
      isComplete &&= complete;
      const next = read.data.cursor ?? undefined;
      // A cursor that leads nowhere would never end.
      if (next === undefined || next === cursor) return { all, ofDevices, isComplete };
      cursor = next;
      this.#sessionsDueMs = performance.now() + LIST_EVERY_MS;
    }
  }
}

const reasonOf = (error: unknown): string =>
  oneLine(error instanceof Error ? error.message : String(error));
