import type {
  AuditAnswer,
  AuditChainsAnswer,
  BatchAnswer,
  DeviceChangeAnswer,
  FailureAnswer,
  Jwks,
  ListDevicesAnswer,
  MetaAnswer,
  Operation,
  RegisterAnswer,
  RegisterBlockedAnswer,
  UsageAnswer,
  ValidateAnswer,
} from "../wire/index.ts";
import { ORG_KEY_HEADER, ROUTES } from "../wire/index.ts";
import { readAuthorityKey } from "./authority-key.ts";
import type { AuthorityKey, PublicKey } from "./authority-key.ts";
import { queryOf } from "./call-options.ts";
import type { AuditOptions, CallOptions, RequestOptions } from "./call-options.ts";
import { createDispatcherTransport } from "./dispatcher-transport.ts";
import { exchange } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import { createFetchTransport } from "./fetch-transport.ts";
import type { Fetch } from "./fetch-transport.ts";
import {
  checkBaseUrl,
  checkDeviceId,
  checkDeviceIds,
  checkOrgKey,
  checkTimeout,
} from "./options.ts";
import type { BaseUrl } from "./options.ts";
import { obeyingItsSignal } from "./transport.ts";
import type { Transport } from "./transport.ts";

/** Where the hosted service answers. */
export const DEFAULT_BASE_URL = "https://machineid.io";
/** Deadline of one plain client call, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** How a client is made. */
export interface MachineIDOptions {
  /** The org's key, `org_…`. Trimmed. It is never shown by this object. */
  readonly orgKey: string;
  /** @default "https://machineid.io" */
  readonly baseUrl?: string | undefined;
  /** Deadline of each call in milliseconds: connect, request and the whole answer. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /**
   * The authority's public key: a JWK, its JWK set, or PEM. With it every decision
   * is asked for with a receipt, and one whose receipt is missing or does not
   * verify is none: `RECEIPT_INVALID`. The hosted service signs no decisions.
   */
  readonly authorityKey?: AuthorityKey | undefined;
  /** Used instead of the runtime's own transport. */
  readonly fetch?: Fetch | undefined;
  /** Used instead of `fetch` and of the runtime's own transport. */
  readonly transport?: Transport | undefined;
  /** Let the key travel over plain http to a host that is not loopback. @default false */
  readonly allowInsecureHttp?: boolean | undefined;
}

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
  readonly #authorityKeys: readonly PublicKey[] | undefined;
  readonly #transport: Transport;

  /** @throws {@link InvalidArgumentError} */
  constructor(options: MachineIDOptions) {
    this.#key = checkOrgKey(options.orgKey);
    const allowInsecureHttp = options.allowInsecureHttp === true;
    this.#base = checkBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL, allowInsecureHttp);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, "timeoutMs");
    const { authorityKey } = options;
    this.#authorityKeys = authorityKey === undefined ? undefined : readAuthorityKey(authorityKey);
    this.#transport = chooseTransport(options);
  }

  /**
   * Reads `MACHINEID_ORG_KEY` and, if set, `MACHINEID_BASE_URL` and
   * `MACHINEID_AUTHORITY_KEY` (PEM, or a JWK or JWK set as JSON).
   *
   * @throws {@link InvalidArgumentError} `ORG_KEY_MISSING` when the variable is not set.
   */
  static fromEnv(options: Omit<MachineIDOptions, "orgKey"> = {}): MachineID {
    const env = globalThis.process?.env ?? {};
    const baseUrl = options.baseUrl ?? (env["MACHINEID_BASE_URL"]?.trim() || undefined);
    const authorityKey =
      options.authorityKey ?? (env["MACHINEID_AUTHORITY_KEY"]?.trim() || undefined);
    const orgKey = env["MACHINEID_ORG_KEY"] ?? "";
    return new MachineID({ ...options, orgKey, baseUrl, authorityKey });
  }

  /** The authority's address, without a slash at its end. */
  get baseUrl(): string {
    return this.#base.origin + this.#base.prefix;
  }

  /** Registers a device. Idempotent; never restores a revoked one. */
  register(
    deviceId: string,
    options?: CallOptions,
  ): Promise<RegisterAnswer | RegisterBlockedAnswer | FailureAnswer> {
    return this.#forDevice("register", deviceId, options);
  }

  /** Asks for the decision. The caller must stop at once unless `allowed === true`. */
  validate(deviceId: string, options?: CallOptions): Promise<ValidateAnswer | FailureAnswer> {
    return this.#forDevice("validate", deviceId, options);
  }

  /** All devices of the org, in the order of their registration. */
  listDevices(options?: CallOptions): Promise<ListDevicesAnswer | FailureAnswer> {
    return this.#body("listDevices", undefined, options);
  }

  /** Denies the device from its next check on. Idempotent. */
  revoke(deviceId: string, options?: CallOptions): Promise<DeviceChangeAnswer | FailureAnswer> {
    return this.#forDevice("revoke", deviceId, options);
  }

  /** Restores a revoked device. Nothing that was stopped starts again by itself. */
  unrevoke(deviceId: string, options?: CallOptions): Promise<DeviceChangeAnswer | FailureAnswer> {
    return this.#forDevice("unrevoke", deviceId, options);
  }

  /** Another name for {@link MachineID.unrevoke}. */
  restore(deviceId: string, options?: CallOptions): Promise<DeviceChangeAnswer | FailureAnswer> {
    return this.unrevoke(deviceId, options);
  }

  /** Deletes the device; its checks are then denied as not registered. */
  remove(deviceId: string, options?: CallOptions): Promise<DeviceChangeAnswer | FailureAnswer> {
    return this.#forDevice("remove", deviceId, options);
  }

  /** Revokes several devices as one change; answers with one result per id. */
  revokeBatch(
    deviceIds: readonly string[],
    options?: CallOptions,
  ): Promise<BatchAnswer | FailureAnswer> {
    return this.#forDevices("revokeBatch", deviceIds, options);
  }

  /** Restores several devices as one change; answers with one result per id. */
  unrevokeBatch(
    deviceIds: readonly string[],
    options?: CallOptions,
  ): Promise<BatchAnswer | FailureAnswer> {
    return this.#forDevices("unrevokeBatch", deviceIds, options);
  }

  /** The org's plan, and how much of it is in use. */
  usage(options?: CallOptions): Promise<UsageAnswer | FailureAnswer> {
    return this.#body("usage", undefined, options);
  }

  /** What the authority is and can do; the hosted service answers 404 here. */
  meta(options?: CallOptions): Promise<MetaAnswer | FailureAnswer> {
    return this.#body("meta", undefined, options);
  }

  /** A page of the org's audit. Needs an authority whose features name `audit`. */
  audit(options: AuditOptions = {}): Promise<AuditAnswer | FailureAnswer> {
    const { cursor, limit, order, deviceId, code, since, chain, ...call } = options;
    const query = { cursor, limit, order, deviceId, code, chain, since: since?.toISOString() };
    return this.#body("audit", undefined, { ...call, query });
  }

  /** Where the org's audit chains end, signed by the authority. */
  auditChains(options?: CallOptions): Promise<AuditChainsAnswer | FailureAnswer> {
    return this.#body("auditChains", undefined, options);
  }

  /** The public keys that the authority publishes. To trust them, get them another way. */
  jwks(options?: CallOptions): Promise<Jwks | FailureAnswer> {
    return this.#body("jwks", undefined, options);
  }

  /**
   * Performs one operation and returns its answer with the HTTP status, which
   * decides whether an answer is an allow. A device id in `body` is sent as it is.
   * With an `authorityKey`, a decision is returned only once its receipt is verified.
   *
   * @throws as every method of this class does
   */
  async request(
    operation: Operation,
    body?: Readonly<Record<string, unknown>>,
    options: RequestOptions = {},
  ): Promise<Answer> {
    if (operation !== "validate" || this.#authorityKeys === undefined) {
      return this.#exchange(operation, body, options);
    }
    const { requestWithReceipt } = await import("./receipt.ts");
    return requestWithReceipt({
      orgKey: this.#key,
      authorityKeys: this.#authorityKeys,
      body: body ?? {},
      send: (asked) => this.#exchange(operation, asked, options),
    });
  }

  #exchange(
    operation: Operation,
    body: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions,
  ): Promise<Answer> {
    const { method, path } = ROUTES[operation];
    return exchange(this.#transport, {
      method,
      origin: this.#base.origin,
      path: this.#base.prefix + path + queryOf(options.query),
      secret: this.#key,
      headers: { [ORG_KEY_HEADER]: this.#key },
      body,
      signal: options.signal,
      timeoutMs: this.#deadlineOf(options),
    });
  }

  /** What `JSON.stringify` shows: the address, and nothing of the key. */
  toJSON(): { baseUrl: string } {
    return { baseUrl: this.baseUrl };
  }

  #deadlineOf({ timeoutMs = this.#timeoutMs, signal }: CallOptions): number {
    const isLeftToSignal = timeoutMs === Number.POSITIVE_INFINITY && signal !== undefined;
    return isLeftToSignal ? timeoutMs : checkTimeout(timeoutMs, "timeoutMs");
  }

  async #body<T>(
    operation: Operation,
    body: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions | undefined,
  ): Promise<T> {
    const answer = await this.request(operation, body, options);
    // The raw JSON is returned as it came; the type says what the contract promises.
    return answer.body as T;
  }

  async #forDevice<T>(operation: Operation, deviceId: string, options?: CallOptions): Promise<T> {
    return this.#body(operation, { deviceId: checkDeviceId(deviceId) }, options);
  }

  async #forDevices<T>(
    operation: Operation,
    deviceIds: readonly string[],
    options?: CallOptions,
  ): Promise<T> {
    return this.#body(operation, { deviceIds: checkDeviceIds(deviceIds) }, options);
  }
}

function chooseTransport({ transport, fetch }: MachineIDOptions): Transport {
  if (transport !== undefined) return obeyingItsSignal(transport);
  if (fetch !== undefined) return obeyingItsSignal(createFetchTransport(fetch));
  return (
    createDispatcherTransport() ?? createFetchTransport((url, init) => globalThis.fetch(url, init))
  );
}
