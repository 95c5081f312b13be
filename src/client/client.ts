import type {
  BatchAnswer,
  DeviceChangeAnswer,
  FailureAnswer,
  ListDevicesAnswer,
  MetaAnswer,
  Operation,
  RegisterAnswer,
  RegisterBlockedAnswer,
  UsageAnswer,
  ValidateAnswer,
} from "../wire/index.ts";
import { ORG_KEY_HEADER, ROUTES } from "../wire/index.ts";
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
  /** Used instead of the runtime's own transport. */
  readonly fetch?: Fetch | undefined;
  /** Used instead of `fetch` and of the runtime's own transport. */
  readonly transport?: Transport | undefined;
  /** Let the key travel over plain http to a host that is not loopback. @default false */
  readonly allowInsecureHttp?: boolean | undefined;
}

/** How long one call may take. */
export interface CallOptions {
  /** Aborts the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Overrides the client's deadline for this call, in milliseconds. `Infinity`
   * leaves the deadline to `signal`, which is then required.
   */
  readonly timeoutMs?: number | undefined;
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
  readonly #transport: Transport;

  /** @throws {@link InvalidArgumentError} */
  constructor(options: MachineIDOptions) {
    this.#key = checkOrgKey(options.orgKey);
    const allowInsecureHttp = options.allowInsecureHttp === true;
    this.#base = checkBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL, allowInsecureHttp);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, "timeoutMs");
    this.#transport = chooseTransport(options);
  }

  /**
   * Reads `MACHINEID_ORG_KEY` and, if set, `MACHINEID_BASE_URL`.
   *
   * @throws {@link InvalidArgumentError} `ORG_KEY_MISSING` when the variable is not set.
   */
  static fromEnv(options: Omit<MachineIDOptions, "orgKey"> = {}): MachineID {
    const env = globalThis.process?.env ?? {};
    const baseUrl = options.baseUrl ?? (env["MACHINEID_BASE_URL"]?.trim() || undefined);
    return new MachineID({ ...options, orgKey: env["MACHINEID_ORG_KEY"] ?? "", baseUrl });
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

  /**
   * Performs one operation and returns its answer with the HTTP status, which
   * decides whether an answer is an allow. A device id in `body` is sent as it is.
   *
   * @throws as every method of this class does
   */
  async request(
    operation: Operation,
    body?: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { method, path } = ROUTES[operation];
    return exchange(this.#transport, {
      method,
      origin: this.#base.origin,
      path: this.#base.prefix + path,
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
    options: CallOptions | undefined,
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
