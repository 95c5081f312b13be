import type {
  BatchAnswer,
  DeviceChangeAnswer,
  Jwks,
  ListDevicesAnswer,
  MetaAnswer,
  OrgOperation,
  RegisterAnswer,
  RegisterBlockedAnswer,
  UsageAnswer,
  ValidateAnswer,
} from "../wire/index.ts";
import { MAX_PAGE_SIZE, ORG_KEY_HEADER, ORG_ROUTES, readDecision } from "../wire/index.ts";
import { OrgAudit } from "./audit.ts";
import type { AuthorityKey } from "./authority-key.ts";
import { deadlineOf, waitingMsOf, waitingOf } from "./call.ts";
import type {
  Answered,
  Ask,
  CallOptions,
  ChangeOptions,
  DeviceSelection,
  ListDevicesOptions,
  RegisterOptions,
  RestoreBatchOptions,
  RestoreOptions,
  StopBatchOptions,
  StopOptions,
} from "./call.ts";
import { leaseChannelOpener } from "./channel.ts";
import type { OpenLeaseChannel } from "./channel.ts";
import { chooseTransport } from "./choose-transport.ts";
import { exchange, pathOf } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import { OrgKeys } from "./keys.ts";
import { DEFAULT_BASE_URL, DEFAULT_TIMEOUT_MS, optionsFromEnv } from "./machine-id-options.ts";
import type { MachineIDOptions } from "./machine-id-options.ts";
import { InvalidArgumentError, RequestError } from "./errors.ts";
import { checkBaseUrl, checkDeviceId, checkDevices, checkOrgKey, checkTimeout } from "./options.ts";
import type { BaseUrl } from "./options.ts";
import { OrgControl } from "./org.ts";
import type { Features } from "./features.ts";
import { fieldToPrepare } from "./preparation.ts";
import { pagesOf } from "./pages.ts";
import type { Pages } from "./pages.ts";
import type { Transport } from "./transport.ts";
import { WeakCache } from "./weak-cache.ts";

/** What stands for an authority and a key, without telling either. */
const accounts = /* @__PURE__ */ new WeakCache<object>();

/**
 * Client of the MachineID v1 API, hosted or self-hosted: one method per
 * operation, each returning the raw JSON of the answer.
 *
 * An answer in JSON never throws, whatever its HTTP status: look at `status`,
 * `allowed` and `code`. Every method throws {@link InvalidArgumentError} before
 * any request when an argument cannot work, {@link RequestError} when no JSON
 * answer came, and the signal's reason when it was aborted.
 *
 * To gate work, use {@link createGuard}: it cannot be half-used.
 */
export class MachineID {
  readonly #key: string;
  readonly #base: BaseUrl;
  readonly #timeoutMs: number;
  readonly #authorityKey: AuthorityKey | undefined;
  readonly #transport: Transport;
  readonly #account: object;
  #features: Features | undefined;
  /** The org's keys: make, list, rotate and revoke them. Needs an owner key. */
  readonly keys: OrgKeys;
  /** The org as a whole: stop and resume it. */
  readonly org: OrgControl;
  /**
   * Opens a self-hosted authority's lease channel, for a guard under a lease.
   * Undefined with an `authorityKey`: leases are not signed, so none can be verified.
   */
  readonly openLeaseChannel: OpenLeaseChannel | undefined;
  /** The org's audit. Needs a key of an owner, an operator or a viewer. */
  readonly audit: OrgAudit;

  /** @throws {@link InvalidArgumentError} */
  constructor(options: MachineIDOptions) {
    this.#key = checkOrgKey(options.orgKey);
    this.#base = checkBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL, options.allowInsecureHttp);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, "timeoutMs");
    this.#authorityKey = options.authorityKey;
    this.#transport = chooseTransport(options);
    this.#account = accounts.get(`${this.baseUrl} ${this.#key}`, () => ({}));
    const ask: Ask = (operation, body, callOptions) => this.#body(operation, body, callOptions);
    this.keys = new OrgKeys(ask);
    this.org = new OrgControl(ask);
    this.audit = new OrgAudit(ask);
    const isVerified = this.#authorityKey !== undefined;
    this.openLeaseChannel = isVerified ? undefined : leaseChannelOpener(this.#base, this.#key);
  }

  /**
   * Reads `MACHINEID_ORG_KEY` and, if set, `MACHINEID_BASE_URL` and
   * `MACHINEID_AUTHORITY_KEY` (PEM, or a JWK or JWK set as JSON).
   *
   * @throws {@link InvalidArgumentError} `ORG_KEY_MISSING` when the variable is not set.
   */
  static fromEnv(options: Omit<MachineIDOptions, "orgKey"> = {}): MachineID {
    return new MachineID(optionsFromEnv(options));
  }

  /** The authority's address, without a slash at its end. */
  get baseUrl(): string {
    return this.#base.origin + this.#base.prefix;
  }

  /** The same object for every client of this process with this authority and key; says neither. */
  get account(): object {
    return this.#account;
  }

  /** Registers a device. Idempotent; never restores a revoked one. */
  register(
    deviceId: string,
    options: RegisterOptions = {},
  ): Answered<RegisterAnswer | RegisterBlockedAnswer> {
    return this.#forDevice("register", deviceId, options, { owner: options.owner });
  }

  /** Asks for the decision. The caller must stop at once unless `allowed === true`. */
  validate(deviceId: string, options?: CallOptions): Answered<ValidateAnswer> {
    return this.#forDevice("validate", deviceId, options);
  }

  /**
   * Devices of the org, in the order of their registration: all of them, or with
   * `limit` a page. An answer has at most 1 MiB, which some 5,000 devices fill.
   */
  listDevices(options: ListDevicesOptions = {}): Answered<ListDevicesAnswer> {
    const { limit, cursor, devicePattern } = options;
    return this.#body("listDevices", { limit, cursor, devicePattern }, options);
  }

  /**
   * {@link MachineID.listDevices}, page after page, each as it was answered. The
   * first that is a failure is the last: look at `status`.
   *
   * @example
   * for await (const page of client.devicePages()) {
   *   if (page.status !== "ok") throw new Error(page.code);
   *   for (const { deviceId } of page.devices) console.log(deviceId);
   * }
   */
  devicePages(options: ListDevicesOptions = {}): Pages<ListDevicesAnswer> {
    const { limit = MAX_PAGE_SIZE, cursor: first, ...more } = options;
    return pagesOf((cursor) => this.listDevices({ ...more, limit, cursor }), first);
  }

  /** Denies the device from its next check on; with `wait`, answered once that is true. Idempotent. */
  revoke(deviceId: string, options: StopOptions = {}): Answered<DeviceChangeAnswer> {
    return this.#forDevice("revoke", deviceId, options, {
      reason: options.reason,
      ...waitingOf(options),
    });
  }

  /**
   * Restores a revoked device. Nothing that was stopped starts again by itself.
   * `status: "pending"` when a second key has to ask for it, too.
   */
  unrevoke(deviceId: string, options: RestoreOptions = {}): Answered<DeviceChangeAnswer> {
    const { reason, ifVersion } = options;
    return this.#forDevice("unrevoke", deviceId, options, { reason, if_version: ifVersion });
  }

  /** Another name for {@link MachineID.unrevoke}. */
  restore(deviceId: string, options?: RestoreOptions): Answered<DeviceChangeAnswer> {
    return this.unrevoke(deviceId, options);
  }

  /** Deletes the device; its checks are then denied as not registered. */
  remove(deviceId: string, options: ChangeOptions = {}): Answered<DeviceChangeAnswer> {
    return this.#forDevice("remove", deviceId, options, { reason: options.reason });
  }

  /** Revokes several devices as one change; answers with one result per id, or the first of a pattern. */
  revokeBatch(devices: DeviceSelection, options: StopBatchOptions = {}): Answered<BatchAnswer> {
    return this.#forDevices("revokeBatch", devices, options, waitingOf(options));
  }

  /** Restores several devices as one change; answers with one result per id, or the first of a pattern. */
  unrevokeBatch(
    devices: DeviceSelection,
    options: RestoreBatchOptions = {},
  ): Answered<BatchAnswer> {
    return this.#forDevices("unrevokeBatch", devices, options);
  }

  /** The org's plan, and how much of it is in use. */
  usage(options?: CallOptions): Answered<UsageAnswer> {
    return this.#body("usage", undefined, options);
  }

  /** What the authority is and can do; the hosted service answers 404 here. */
  meta(options?: CallOptions): Answered<MetaAnswer> {
    return this.#body("meta", undefined, options);
  }

  /** The public keys that the authority publishes. To trust them, get them another way. */
  jwks(options?: CallOptions): Answered<Jwks> {
    return this.#body("jwks", undefined, options);
  }

  /**
   * Performs one operation and returns its answer with the HTTP status, which
   * decides whether an answer is an allow. A device id in `body` is sent as it is;
   * the body of a GET is sent as its query. A restore without `if_version` reads
   * the version first, where the authority takes one. With an `authorityKey`, a
   * decision is returned only once its receipt is verified.
   *
   * @throws as every method of this class does
   */
  async request(
    operation: OrgOperation,
    body?: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Answer> {
    const timeoutMs = deadlineOf(options, this.#timeoutMs) + waitingMsOf(body);
    const { signal } = options;
    if (operation === "validate" && this.#authorityKey !== undefined) {
      const { requestVerified } = await import("./receipt.ts");
      const send = (asked: object) => this.#exchange(operation, { ...asked }, signal, timeoutMs);
      return requestVerified(
        { orgKey: this.#key, authorityKey: this.#authorityKey, body: body ?? {}, send },
        { readDecision, route: ORG_ROUTES.validate, InvalidArgumentError, RequestError },
      );
    }
    const field = fieldToPrepare(operation, body);
    if (field === undefined) return this.#exchange(operation, body, signal, timeoutMs);
    const endMs = performance.now() + timeoutMs;
    const { Features } = await import("./features.ts");
    this.#features ??= new Features(InvalidArgumentError);
    return this.#features.request(field, operation, body, (asked, sent) =>
      this.#exchange(asked, sent, signal, Math.max(1, endMs - performance.now())),
    );
  }

  /** What `JSON.stringify` shows: the address, and nothing of the key. */
  toJSON(): { baseUrl: string } {
    return { baseUrl: this.baseUrl };
  }

  #exchange(
    operation: OrgOperation,
    body: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): Promise<Answer> {
    const { method, path } = ORG_ROUTES[operation];
    const isRead = method === "GET";
    return exchange(this.#transport, {
      method,
      origin: this.#base.origin,
      path: this.#base.prefix + (isRead ? pathOf(path, body) : path),
      secret: this.#key,
      headers: { [ORG_KEY_HEADER]: this.#key },
      body: isRead ? undefined : body,
      signal,
      timeoutMs,
    });
  }

  async #body<T>(
    operation: OrgOperation,
    body: Readonly<Record<string, unknown>> | undefined,
    options: CallOptions | undefined,
  ): Promise<T> {
    // The raw JSON is returned as it came; the type says what the contract promises.
    return (await this.request(operation, body, options)).body as T;
  }

  async #forDevice<T>(
    operation: OrgOperation,
    deviceId: string,
    options?: CallOptions,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<T> {
    return this.#body(operation, { deviceId: checkDeviceId(deviceId), ...more }, options);
  }

  async #forDevices<T>(
    operation: OrgOperation,
    devices: DeviceSelection,
    options: RestoreBatchOptions,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<T> {
    const { dryRun, reason, ifVersion } = options;
    const how = { dry_run: dryRun, reason, if_version: ifVersion, ...more };
    return this.#body(operation, { ...checkDevices(devices), ...how }, options);
  }
}
