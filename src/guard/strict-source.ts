import { RequestError } from "../client/index.ts";
import type { Answer, CallOptions, OpenLeaseChannel } from "../client/index.ts";
import type { OrgOperation, Verdict } from "../wire/index.ts";
import { readDecision, readRegistration } from "../wire/index.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Timekeeper } from "./clock.ts";
import type { DecisionSource, SourcedVerdict } from "./decision-source.ts";
import type { HeldDevice } from "./held-device.ts";
import { SharedCall } from "./shared-call.ts";

/** What a guard needs of a client. {@link MachineID} is one. */
export interface GuardClient {
  /**
   * Stands for the authority and the key, without telling them: guards whose
   * clients have the same one share their leases and stops. @default the client itself
   */
  readonly account?: object | undefined;
  /** Opens a lease channel; a client that cannot serves strict guards only. */
  readonly openLeaseChannel?: OpenLeaseChannel | undefined;
  request(
    operation: OrgOperation,
    body?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Answer>;
}

export interface StrictSourceOptions {
  readonly client: GuardClient;
  readonly device: HeldDevice;
  readonly time: Timekeeper;
  /** Deadline of a check, retries included, in milliseconds. */
  readonly timeoutMs: number;
}

type Read = (httpStatus: number, body: unknown, deviceId: string) => Verdict;

const MAX_ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 25;
/** Answers that say "not now". Asking again cannot take effect twice. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Asks the authority at each check. Checks made in the same turn share one request. */
export class StrictSource implements DecisionSource {
  readonly #options: StrictSourceOptions;
  /** The request that is about to be sent: whoever arrives before it leaves may share it. */
  #next: SharedCall<SourcedVerdict> | undefined;
  /** The registration that is under way. */
  #registration: SharedCall<SourcedVerdict> | undefined;
  #registered: SourcedVerdict | undefined;

  constructor(options: StrictSourceOptions) {
    this.#options = options;
  }

  decide(cancellation: Cancellation): Promise<SourcedVerdict> {
    if (this.#next === undefined || this.#next.isAbandoned) {
      const next = new SharedCall((shared) => this.#ask("validate", readDecision, shared));
      this.#next = next;
      queueMicrotask(() => {
        if (this.#next === next) this.#next = undefined;
        next.begin();
      });
    }
    return this.#next.join(cancellation);
  }

  get isRegistered(): boolean {
    return this.#registered !== undefined;
  }

  async register(cancellation: Cancellation): Promise<SourcedVerdict> {
    if (this.#registered !== undefined) return this.#registered;
    const underWay = this.#registration;
    if (underWay !== undefined && !underWay.isAbandoned) {
      const sourced = await underWay.join(cancellation);
      // It was asked before this check: good enough to be registered, not to be refused.
      if (sourced.verdict.outcome === "allowed") return sourced;
    }
    if (this.#registration === undefined || this.#registration.isAbandoned) {
      this.#registration = this.#beginRegistration();
    }
    return this.#registration.join(cancellation);
  }

  forgetRegistration(): void {
    this.#registered = undefined;
    this.#registration = undefined;
  }

  #beginRegistration(): SharedCall<SourcedVerdict> {
    const registration = new SharedCall(async (signal) => {
      try {
        const sourced = await this.#ask("register", readRegistration, signal);
        const isCurrent = this.#registration === registration;
        if (isCurrent && sourced.verdict.outcome === "allowed") this.#registered = sourced;
        return sourced;
      } finally {
        if (this.#registration === registration) this.#registration = undefined;
      }
    });
    return registration.begin();
  }

  async #ask(operation: OrgOperation, read: Read, signal: AbortSignal): Promise<SourcedVerdict> {
    const { client, device, time, timeoutMs } = this.#options;
    const { deviceId } = device;
    const startedAt = time.now();
    for (let attempt = 1; ; attempt += 1) {
      const sentAt = time.now();
      const n = device.numbers.next();
      let sourced: SourcedVerdict;
      let retryAfterMs: number | undefined;
      try {
        // The signal ends with the last check that waits for this answer.
        const options = { signal, timeoutMs: Number.POSITIVE_INFINITY };
        const answer = await client.request(operation, { deviceId }, options);
        sourced = { verdict: read(answer.status, answer.body, deviceId), sentAt, n };
        const { outcome } = sourced.verdict;
        if (outcome === "denied") device.discard();
        if (outcome === "allowed" && device.isVoid(n)) retryAfterMs = 0;
        if (RETRIED_STATUSES.has(answer.status) && outcome === "unavailable") {
          retryAfterMs = Math.max(answer.retryAfterMs ?? 0, backoffMs(attempt));
        }
      } catch (error) {
        signal.throwIfAborted();
        sourced = { verdict: outage(error), sentAt, n, cause: error };
        const isAnswer = RequestError.isInstance(error) && error.code !== "AUTHORITY_UNREACHABLE";
        if (!isAnswer) retryAfterMs = backoffMs(attempt);
      }
      if (retryAfterMs === undefined || attempt === MAX_ATTEMPTS) return sourced;
      const waitedMs = time.now().monotonicMs - startedAt.monotonicMs;
      if (waitedMs + retryAfterMs >= timeoutMs) return sourced;
      if (retryAfterMs > 0) await delay(retryAfterMs, signal);
    }
  }
}

function outage(error: unknown): Verdict {
  const known = RequestError.isInstance(error) ? error : undefined;
  const isServerFailure = known?.code === "AUTHORITY_MALFORMED" && (known.status ?? 0) >= 500;
  return {
    outcome: "unavailable",
    code: isServerFailure ? "AUTHORITY_ERROR" : (known?.code ?? "AUTHORITY_UNREACHABLE"),
    serverCode: undefined,
    requestId: known?.requestId,
  };
}

/** Doubles with each attempt; half of it is random, so that many agents do not return at once. */
function backoffMs(attempt: number): number {
  return FIRST_BACKOFF_MS * 2 ** attempt * (0.5 + Math.random() / 2);
}

function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
