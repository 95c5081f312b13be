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
import type { Fleet } from "./fleet.ts";

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

/** Reads what a fleet is told of: lists, stops and sessions again and again, events as they come. */
export class Sources {
  readonly #options: SourcesOptions;
  /** Changes of which it is not known whether they are stops. */
  readonly #changes = new Set<number>();
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #sessionsDueMs = 0;
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
    await Promise.all([this.#readStops(), this.#readSessions(nowMs)]);
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

  /** More than a page of them is read as seldom as lists are. */
  async #readSessions(nowMs: number): Promise<void> {
    if (nowMs < this.#sessionsDueMs) return;
    const { client, fleet } = this.#options;
    const ofDevices: DeviceSessions[] = [];
    let cursor: string | null | undefined;
    for (let pages = 1; cursor !== null; pages += 1) {
      const answer = await client.request("readSessions", { cursor });
      const read = sessionsAnswerSchema.safeParse(answer.body);
      if (!read.success) {
        // Not every authority says so.
        if (answer.status === NOT_FOUND) fleet.sessions(null);
        else fleet.problem("sessions", reasonOf(failed(answer, "Reading sessions")));
        return;
      }
      ofDevices.push(...read.data.devices);
      ({ cursor } = read.data);
      fleet.problem("sessions", undefined);
      if (cursor === null) fleet.sessions({ all: read.data.sessions, ofDevices });
      if (pages > 1) this.#sessionsDueMs = nowMs + LIST_EVERY_MS;
    }
  }
}

const reasonOf = (error: unknown): string =>
  oneLine(error instanceof Error ? error.message : String(error));
