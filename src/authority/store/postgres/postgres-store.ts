import { StoreSchemaError, StoreUnavailableError } from "../errors.ts";
import type { Ledger } from "../ledger.ts";
import * as devices from "../operations/devices.ts";
import * as orgs from "../operations/orgs.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type { Bootstrap, Caller, DevicesListed, OrgPatch, Store, UnknownKey } from "../store.ts";
import { Announcements } from "./announcements.ts";
import { Changer } from "./changer.ts";
import { unavailable } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { clientConfig } from "./client-config.ts";
import type { PostgresSettings } from "./options.ts";
import { readFacts } from "./facts.ts";
import type { Needs } from "./facts.ts";
import { GroupLedger } from "./group-ledger.ts";
import { LastSeen } from "./last-seen.ts";
import { readChains, readChanges, readOrgIds, readRows } from "./log-reader.ts";
import { migrate } from "./migrate.ts";
import { prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";
import { Validator } from "./validator.ts";
import { Writer } from "./writer.ts";

/** How long a device's `lastSeenAt` may be behind in the database. */
const SEEN_DELAY_MS = 5_000;

/** Opens the store that `postgresStore` promises. */
export async function openPostgresStore(settings: PostgresSettings): Promise<Store> {
  await migrate(settings);
  const store = new PostgresStore(settings);
  try {
    await store.ready();
    return store;
  } catch (error) {
    await store.close();
    throw error instanceof StoreUnavailableError && error.cause instanceof StoreSchemaError
      ? error.cause
      : error;
  }
}

class PostgresStore implements Store {
  readonly #timeoutMs: number;
  readonly #decisionTimeoutMs: number;
  readonly #writer: Writer;
  readonly #changer: Changer;
  readonly #validator: Validator;
  readonly #announcements: Announcements;
  /** Lists of orgs and devices. */
  readonly #lists: Session<void>;
  /** Audit and change log, whose readers may ask for much. */
  readonly #logs: Session<void>;
  readonly #lastSeen = new LastSeen();
  readonly #seenTimer: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(settings: PostgresSettings) {
    this.#timeoutMs = settings.changeTimeoutMs;
    this.#decisionTimeoutMs = settings.decisionTimeoutMs;
    this.#announcements = new Announcements(settings);
    const saw = (version: number): void => this.#announcements.saw(version);
    this.#writer = new Writer(settings);
    this.#changer = new Changer(settings, this.#writer, saw);
    this.#validator = new Validator(settings, {
      append: (entries) => this.#writer.append(entries),
      seen: (orgId, deviceId, at) => this.#lastSeen.note(orgId, deviceId, at),
      saw,
    });
    const reading = {
      config: clientConfig(settings),
      prepare: (connection: Connection) => prepareStore(connection, settings),
    };
    this.#lists = new Session(reading);
    this.#logs = new Session(reading);
    this.#seenTimer = setInterval(() => void this.#writeSeen(), SEEN_DELAY_MS);
    this.#seenTimer.unref();
  }

  validate(caller: Caller, deviceId: string) {
    return this.#unlessClosed(() => this.#validator.validate(caller, deviceId));
  }

  register(caller: Caller, deviceId: string) {
    const needs = { keyHash: caller.keyHash, deviceIds: [deviceId] };
    // It is a decision, too: who asks for it waits no longer than for others.
    return this.#change(
      needs,
      (ledger) => devices.register(ledger, caller, deviceId),
      this.#decisionTimeoutMs,
    );
  }

  setRevoked(caller: Caller, deviceIds: readonly string[], revoked: boolean) {
    return this.#change({ keyHash: caller.keyHash, deviceIds }, (ledger) =>
      devices.setRevoked(ledger, caller, deviceIds, revoked),
    );
  }

  remove(caller: Caller, deviceId: string) {
    return this.#change({ keyHash: caller.keyHash, deviceIds: [deviceId] }, (ledger) =>
      devices.remove(ledger, caller, deviceId),
    );
  }

  async listDevices(caller: Caller): Promise<DevicesListed | UnknownKey> {
    const needs = { keyHash: caller.keyHash, allDevices: true };
    const { listed, orgId } = await this.#look(needs, (ledger) => ({
      listed: devices.listDevices(ledger, caller),
      orgId: ledger.key(caller.keyHash)?.orgId ?? "",
    }));
    if (listed.kind === "unknown_key") return listed;
    const complete = listed.devices.map((device) => this.#lastSeen.complete(orgId, device));
    return { ...listed, devices: complete };
  }

  usage(caller: Caller) {
    return this.#look({ keyHash: caller.keyHash }, (ledger) => devices.readUsage(ledger, caller));
  }

  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord) {
    return this.#change({ keyHash: caller.keyHash, orgId: org.id }, (ledger) =>
      orgs.createOrg(ledger, caller, org, ownerKey),
    );
  }

  listOrgs(caller: Caller) {
    return this.#look({ keyHash: caller.keyHash, allOrgs: true }, (ledger) =>
      orgs.listOrgs(ledger, caller),
    );
  }

  changeOrg(caller: Caller, orgId: string, patch: OrgPatch) {
    return this.#change({ keyHash: caller.keyHash, orgId }, (ledger) =>
      orgs.changeOrg(ledger, caller, orgId, patch),
    );
  }

  bootstrap(given: Bootstrap) {
    return this.#change({ keyHash: given.ownerKey.hash, allOrgs: true }, (ledger) =>
      orgs.bootstrap(ledger, given),
    );
  }

  /** Reads as a decision does, and commits as its audit does. */
  async ready(): Promise<void> {
    await this.#unlessClosed(() => Promise.all([this.#validator.ready(), this.#writer.touch()]));
  }

  orgIds() {
    return this.#readLogs((connection) => readOrgIds(connection, this.#timeoutMs));
  }

  auditChains() {
    return this.#readLogs((connection) => readChains(connection, this.#timeoutMs));
  }

  auditRows(chainId: number, afterSeq: number, limit: number) {
    return this.#readLogs((connection) =>
      readRows(connection, chainId, afterSeq, limit, this.#timeoutMs),
    );
  }

  changes(afterVersion: number, limit: number) {
    return this.#readLogs((connection) =>
      readChanges(connection, afterVersion, limit, this.#timeoutMs),
    );
  }

  onChange(listener: (version: number) => void) {
    return this.#announcements.add(listener);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearInterval(this.#seenTimer);
    await Promise.all([this.#validator.close(), this.#changer.close()]);
    await this.#writeSeen();
    await Promise.all([
      this.#writer.close(),
      this.#announcements.close(),
      this.#lists.close(),
      this.#logs.close(),
    ]);
  }

  #change<Result>(
    needs: Needs,
    step: (ledger: Ledger) => Result,
    timeoutMs?: number,
  ): Promise<Result> {
    return this.#unlessClosed(() => this.#changer.run(needs, step, timeoutMs));
  }

  /** Runs an operation that changes and audits nothing. */
  #look<Result>(needs: Needs, step: (ledger: Ledger) => Result): Promise<Result> {
    return this.#unlessClosed(() =>
      this.#lists.use(async ({ connection }) => {
        const facts = await readFacts(connection, [needs], this.#timeoutMs);
        return step(new GroupLedger(facts, [needs]));
      }),
    );
  }

  #readLogs<Result>(read: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#unlessClosed(() => this.#logs.use(({ connection }) => read(connection)));
  }

  async #unlessClosed<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw new StoreUnavailableError("it is closed");
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #writeSeen(): Promise<void> {
    try {
      const { connection } = await this.#lists.open();
      await this.#lastSeen.write(connection, this.#timeoutMs);
    } catch {
      // It is advisory, and tried again.
    }
  }
}
