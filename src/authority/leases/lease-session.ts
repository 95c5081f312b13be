import { randomUUID } from "node:crypto";
import type { LeaseRequest } from "../../wire/index.ts";
import type { Services } from "../services.ts";
import type { DeviceDecided } from "../store/lease-store.ts";
import { overAt } from "./clock.ts";
import { decisionFrame, grantFrame } from "./frames.ts";
import type { HeldSession, SessionConnection } from "./held-session.ts";
import type { Leases } from "./leases.ts";
import { termOf } from "./reader.ts";
import type { SessionDecided } from "./reader.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Renewing } from "./renewals.ts";
import { readRunning } from "./running-bodies.ts";

export interface LeaseSessionOptions {
  readonly services: Pick<Services, "logger" | "metrics" | "auditsAllow">;
  readonly leases: Leases;
  readonly held: HeldSession;
  readonly connection: SessionConnection;
  readonly maxDevices: number;
}

type Message<Type extends LeaseRequest["type"]> = Extract<LeaseRequest, { type: Type }>;

/** One connection of a session: takes its messages, and answers them. */
export class LeaseSession implements Renewing {
  readonly #options: LeaseSessionOptions;
  /** The renewal that waits for the one under way. Its answer is one for all before it. */
  #renewal: number | undefined;
  #isRenewing = false;
  /** Checks that are being decided. */
  #checks = 0;

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
  }

  get checksUnderWay(): number {
    return this.#checks;
  }

  get #isCurrent(): boolean {
    const { held, connection } = this.#options;
    return held.connection === connection;
  }

  /**
   * Begins, in place of a connection of the same session that there may be. It
   * grants nothing: that takes a renewal.
   */
  begin(deviceIds: readonly string[]): void {
    const { held, connection } = this.#options;
    held.connection?.cut();
    held.connection = connection;
    held.lostAt = undefined;
    const named = new Set(deviceIds);
    for (const [deviceId, device] of held.devices) device.isWatched = named.has(deviceId);
    this.#watch(deviceIds);
  }

  /** The connection is gone. That releases nothing. */
  end(): void {
    const { held, leases } = this.#options;
    if (!this.#isCurrent) return;
    held.connection = undefined;
    held.lostAt = leases.now();
  }

  /** @throws ProtocolError when a client of this protocol would not send it */
  take(message: LeaseRequest): void {
    if (message.type === "hello") throw new ProtocolError("there was a hello already");
    if (message.type === "ack") this.#acknowledge(message);
    else if (message.type === "watch") this.#watch(message.devices);
    else {
      this.#number(message.n);
      if (message.type === "unwatch") this.#unwatch(message);
      else if (message.type === "renew") this.#wait(message.n);
      else this.#check(message);
    }
  }

  /** A number that was used before could make an old answer count from a younger request. */
  #number(n: number): void {
    const { held } = this.#options;
    if (n <= held.lastN) throw new ProtocolError(`n was ${held.lastN} already`);
    held.lastN = n;
  }

  #watch(deviceIds: readonly string[]): void {
    const { held, leases } = this.#options;
    this.#refuseMore([...new Set(deviceIds)]);
    for (const deviceId of deviceIds) {
      held.add(deviceId, true);
      leases.sessions.index(held, deviceId);
    }
  }

  #refuseMore(deviceIds: readonly string[]): void {
    const { held, maxDevices } = this.#options;
    const more = deviceIds.filter((deviceId) => !held.devices.has(deviceId)).length;
    if (held.devices.size + more > maxDevices) {
      throw new ProtocolError(`a session has at most ${maxDevices} devices`);
    }
  }

  #unwatch({ devices, n }: Message<"unwatch">): void {
    const { held } = this.#options;
    for (const deviceId of devices) {
      const device = held.devices.get(deviceId);
      if (device === undefined) continue;
      device.isWatched = false;
      device.told = undefined;
      device.wasAllowed = false;
      if (device.holding !== undefined && device.holding.n < n) device.holding = undefined;
    }
  }

  #acknowledge({ version, devices: deviceIds, state, running: said }: Message<"ack">): void {
    const { held, leases } = this.#options;
    const running = said && readRunning(said);
    // Of what has not happened nobody can say that it is over.
    if (version <= leases.version) {
      leases.stops.acknowledge(held, version, { deviceIds, state, running });
    }
  }

  #wait(n: number): void {
    this.#renewal = n;
    if (!this.#isRenewing) this.#options.leases.renewals.add(this);
  }

  /** Answers the renewal that was asked for last. */
  async renew(): Promise<void> {
    const n = this.#renewal;
    this.#renewal = undefined;
    if (n === undefined || !this.#isCurrent) return;
    this.#isRenewing = true;
    try {
      await this.#grant(n);
    } finally {
      this.#isRenewing = false;
    }
    if (this.#renewal !== undefined) this.#options.leases.renewals.add(this);
  }

  /** Answers a renewal by a read that begins now, which is after it arrived. */
  async #grant(n: number): Promise<void> {
    const { held, leases } = this.#options;
    const deviceIds = held.watched();
    const requestId = randomUUID();
    const audits = ({ deviceId, code }: DeviceDecided): boolean =>
      code !== "ALLOW" ||
      (held.devices.get(deviceId)?.told !== "ALLOW" && this.#options.services.auditsAllow());
    await this.#read({ requestId, deviceIds }, audits, (outcome, at) => {
      // What was asked for before a device was let go is not for who watches it since.
      const mine = decidedOf(outcome, deviceIds).filter(({ deviceId }) => {
        const device = held.devices.get(deviceId);
        return device?.isWatched === true && device.since <= n;
      });
      const { version, termMs } = this.#termsOf(outcome, at, "ttlMs");
      this.#hold(mine, { version, n, termMs });
      for (const { deviceId, code } of mine) {
        const device = held.devices.get(deviceId);
        if (device !== undefined) device.told = code;
      }
      this.#options.connection.send(grantFrame({ n, version, termMs, requestId }, mine));
      leases.fanOut.flush();
    });
  }

  /** A strict decision: it is audited as one that is asked for over HTTP, and used once. */
  #check({ n, devices }: Message<"check">): void {
    const { leases, services, connection } = this.#options;
    const requestId = randomUUID();
    const deviceIds = [...new Set(devices)];
    this.#refuseMore(deviceIds);
    const audits = ({ code }: DeviceDecided): boolean => code !== "ALLOW" || services.auditsAllow();
    this.#checks += 1;
    void this.#read({ requestId, deviceIds }, audits, (outcome, at) => {
      const decided = decidedOf(outcome, deviceIds);
      const { version, termMs } = this.#termsOf(outcome, at, "validMs");
      for (const { deviceId, code } of decided) {
        services.metrics.decided(code);
        if (code === "ALLOW") leases.sessions.index(this.#options.held, deviceId);
      }
      this.#hold(decided, { version, n, termMs });
      connection.send(decisionFrame({ n, version, termMs, requestId }, decided));
    }).finally(() => {
      this.#checks -= 1;
    });
  }

  async #read(
    asked: { readonly requestId: string; readonly deviceIds: readonly string[] },
    audits: (decided: DeviceDecided) => boolean,
    use: (outcome: SessionDecided, at: number) => void,
  ): Promise<void> {
    const { held, leases, services } = this.#options;
    const { keyHash } = held;
    try {
      await leases.reader.read({ keyHash, ...asked }, audits, (outcome, { at }) => {
        // An answer that cannot arrive gives nothing.
        if (this.#isCurrent && !leases.isClosed) use(outcome, at);
      });
    } catch (error) {
      // Without its store nothing is granted: what was granted runs out.
      services.logger.error({ request_id: asked.requestId, err: error }, "leases were not renewed");
    }
  }

  #termsOf(
    outcome: SessionDecided,
    at: number,
    wanted: "ttlMs" | "validMs",
  ): { readonly version: number; readonly termMs: number } {
    const { leases } = this.#options;
    if (outcome.kind === "unknown_key") return { version: leases.version, termMs: 0 };
    const { terms, version, endsAt } = outcome;
    const termMs = wanted === "ttlMs" ? terms.ttlMs : Math.min(leases.validMs, terms.waitMs);
    return { version, termMs: termOf(termMs, endsAt, at) };
  }

  #hold(
    decided: readonly { readonly deviceId: string; readonly code: string }[],
    {
      version,
      n,
      termMs,
    }: { readonly version: number; readonly n: number; readonly termMs: number },
  ): void {
    const { held, leases } = this.#options;
    const now = leases.now();
    const until = overAt(now, termMs);
    for (const { deviceId, code } of decided) {
      if (code === "ALLOW") held.hold(deviceId, { version, until, n }, now);
    }
  }
}

/** Decisions on devices; of a key that is none any more, that it is none. */
function decidedOf(
  outcome: SessionDecided,
  deviceIds: readonly string[],
): readonly {
  readonly deviceId: string;
  readonly code: DeviceDecided["code"] | "ORG_KEY_INVALID";
}[] {
  if (outcome.kind === "devices_decided") return outcome.decided;
  return deviceIds.map((deviceId) => ({ deviceId, code: "ORG_KEY_INVALID" }));
}
