import type { AuditRetention } from "./audit/retention.ts";
import type { Leases } from "./leases/leases.ts";
import type { Gatekeeper } from "./limits/gatekeeper.ts";
import type { Signer } from "./signing/signer.ts";
import type { EventStreams } from "./events/event-streams.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { RenderedMetrics } from "./metrics/render.ts";
import type { Store } from "./store/store.ts";

/** The part of a pino logger that an authority uses. Any pino logger is one. */
export interface AuthorityLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Where an authority is in its life. */
export interface Lifecycle {
  /** It answers still, and is about to end. */
  readonly isDraining: boolean;
}

/** What routes work with. */
export interface Services {
  readonly store: Store;
  readonly logger: AuthorityLogger;
  readonly metrics: Metrics;
  readonly events: EventStreams;
  readonly lifecycle: Lifecycle;
  /** Everything that was counted, as Prometheus reads it. */
  readonly scrape: () => Promise<RenderedMetrics>;
  /** Turns away who asks too often. */
  readonly gatekeeper: Gatekeeper;
  readonly signer: Signer;
  readonly retention: AuditRetention;
  /** What was allowed and may be in use, where the store can keep leases. */
  readonly leases: Leases | undefined;
  /** Whether the next allow goes into the audit. */
  readonly auditsAllow: () => boolean;
  /** For how long an allow may be used, in milliseconds from the sending of its request. */
  readonly validMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
