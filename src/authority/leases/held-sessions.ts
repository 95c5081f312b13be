import { HeldSession } from "./held-session.ts";
import type { SessionOwner } from "./held-session.ts";

/** For how long it is said of a session that was lost that what it ran may run on. */
const LOST_KEPT_MS = 10 * 60_000;
/** Lost sessions that hold nothing and are remembered nevertheless. */
const MOST_LOST = 10_000;

interface OrgSessions {
  readonly sessions: Set<HeldSession>;
  /** Who watches a device, or was given allows of it. */
  readonly byDevice: Map<string, Set<HeldSession>>;
}

/** All sessions that this process knows, by org and device. */
export class HeldSessions {
  readonly #byName = new Map<string, HeldSession>();
  readonly #byOrg = new Map<string, OrgSessions>();

  /** A session by its id under its key: the one that is known, or a new one. */
  of(owner: SessionOwner): HeldSession {
    const name = nameOf(owner);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const session = new HeldSession(owner);
    this.#byName.set(name, session);
    this.#org(owner.orgId).sessions.add(session);
    return session;
  }

  /** Lists a session under a device. */
  index(session: HeldSession, deviceId: string): void {
    const { byDevice } = this.#org(session.orgId);
    const holders = byDevice.get(deviceId);
    if (holders === undefined) byDevice.set(deviceId, new Set([session]));
    else holders.add(session);
  }

  /**
   * Sessions that have to do with any of some devices, each once. Others may come
   * and go while they are gone through.
   *
   * @param deviceIds undefined for all of the org
   */
  *concerned(
    orgId: string,
    deviceIds: ReadonlySet<string> | undefined,
  ): Generator<HeldSession, void> {
    if (deviceIds === undefined) {
      yield* this.ofOrg(orgId);
      return;
    }
    const seen = new Set<HeldSession>();
    for (const deviceId of deviceIds) {
      for (const session of this.#byOrg.get(orgId)?.byDevice.get(deviceId) ?? []) {
        if (seen.has(session)) continue;
        if (deviceIds.size > 1) seen.add(session);
        yield session;
      }
    }
  }

  /** How many those are, at most. @param deviceIds undefined for all of the org */
  countConcerned(orgId: string, deviceIds: ReadonlySet<string> | undefined): number {
    const org = this.#byOrg.get(orgId);
    if (deviceIds === undefined) return org?.sessions.size ?? 0;
    let count = 0;
    for (const deviceId of deviceIds) count += org?.byDevice.get(deviceId)?.size ?? 0;
    return count;
  }

  ofOrg(orgId: string): Iterable<HeldSession> {
    return this.#byOrg.get(orgId)?.sessions ?? [];
  }

  [Symbol.iterator](): Iterator<HeldSession> {
    return this.#byName.values();
  }

  /** Forgets what is over. */
  prune(now: number): void {
    let lost = 0;
    for (const [name, session] of this.#byName) {
      this.#unlist(session, session.prune(now));
      const { connection, lostAt = now, devices } = session;
      if (connection !== undefined || session.isHolding(now)) continue;
      const mayRun = [...devices.keys()].some((deviceId) => session.mayRun(deviceId));
      if (mayRun && now - lostAt <= LOST_KEPT_MS && lost < MOST_LOST) {
        lost += 1;
        continue;
      }
      this.#byName.delete(name);
      this.#unlist(session, session.devices.keys());
      const { sessions } = this.#org(session.orgId);
      sessions.delete(session);
      if (sessions.size === 0) this.#byOrg.delete(session.orgId);
    }
  }

  /** Whether any allow may be in use. */
  isAnyHeld(now: number): boolean {
    for (const session of this) if (session.isHolding(now)) return true;
    return false;
  }

  #unlist(session: HeldSession, deviceIds: Iterable<string>): void {
    const byDevice = this.#byOrg.get(session.orgId)?.byDevice;
    for (const deviceId of deviceIds) {
      const holders = byDevice?.get(deviceId);
      holders?.delete(session);
      if (holders?.size === 0) byDevice?.delete(deviceId);
    }
  }

  #org(orgId: string): OrgSessions {
    let org = this.#byOrg.get(orgId);
    if (org === undefined) {
      this.#byOrg.set(orgId, (org = { sessions: new Set(), byDevice: new Map() }));
    }
    return org;
  }
}

const nameOf = ({ keyHash, id }: SessionOwner): string => `${keyHash} ${id}`;
