import type { AuditDecisions } from "./audit/decisions.ts";
import type { TlsIdentity } from "./http/tls.ts";
import type { LeaseLimits } from "./leases/lease-door.ts";
import type { Limits } from "./limits/gatekeeper.ts";
import type { AuthorityLogger } from "./services.ts";
import type { Store } from "./store/store.ts";

/** How an authority is made. */
export interface AuthorityOptions {
  /** Where everything is kept. The authority closes it when it is closed. */
  readonly store: Store;
  /** A pino logger, or anything like one. @default false, which is silent */
  readonly logger?: AuthorityLogger | false;
  /** Connections beyond these are dropped. @default 10_000 */
  readonly maxConnections?: number;
  /** A request that has not arrived whole by then is answered 408. @default 10_000 */
  readonly requestTimeoutMs?: number;
  /**
   * How often may be asked; what is not named keeps its default. Each process
   * counts for itself. Tests that ask a lot raise them. @default DEFAULT_LIMITS
   */
  readonly limits?: Partial<Limits>;
  /**
   * How many proxies stand in front: the address of a request is then the one
   * that they wrote that far from the end of `X-Forwarded-For`. @default 0: it
   * is where the connection comes from
   */
  readonly trustProxy?: number;
  /** For how long an allow may be used, counted from the sending of its request. @default 2_000 */
  readonly validMs?: number;
  /**
   * For how long a lease is good, in milliseconds, 100 to 600_000: set in the
   * store, for every process on it. @default what the store says, 10_000 at first
   */
  readonly leaseTtlMs?: number;
  /** Bounds of the lease channel. */
  readonly leases?: LeaseLimits;
  /** Which allows go into the audit; denials and changes always do. @default "all" */
  readonly auditDecisions?: AuditDecisions;
  /** For how many days audit entries are kept. @default all are kept for ever */
  readonly auditRetentionDays?: number;
  /** How long closing waits for requests that were accepted. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /**
   * How long closing goes on answering first, while `/readyz` answers 503 already,
   * so that whoever spreads requests over replicas stops sending them here.
   * @default 0
   */
  readonly drainMs?: number;
  /** Serve https with this certificate and key. @default none, which is plain http */
  readonly tls?: TlsIdentity;
  /** Origins, as `https://console.example.com`, whose pages may call. @default none */
  readonly corsOrigins?: readonly string[];
  /** Bounds of the event streams. */
  readonly events?: EventOptions;
  /** The wall clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** A clock that never goes back, in milliseconds: by it allows and waits are measured. @default performance.now */
  readonly monotonicMs?: () => number;
}

/** Bounds of the event streams of an authority. */
export interface EventOptions {
  /** Streams open at once; more are refused with 429. @default 1_000 */
  readonly maxStreams?: number;
  /** Of them, those of one org. @default 100 */
  readonly maxStreamsPerOrg?: number;
  /** How often a silent stream says that it lives. @default 15_000 */
  readonly heartbeatMs?: number;
  /** A reader that takes nothing for this long is cut off. @default 10_000 */
  readonly stallMs?: number;
}
