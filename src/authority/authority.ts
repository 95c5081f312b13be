import { randomUUID } from "node:crypto";
import { Server as HttpsServer } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { auditsAllows } from "./audit/decisions.ts";
import type { AuditDecisions } from "./audit/decisions.ts";
import { AuditRetention, retentionMs } from "./audit/retention.ts";
import { checkBootstrap, checkOptions } from "./check-options.ts";
import { auditEvents } from "./events/audit-events.ts";
import { EventStreams } from "./events/event-streams.ts";
import { createServer } from "./http/server.ts";
import { countConnections, shutDown } from "./http/shut-down.ts";
import { assertServable, TlsIdentityError } from "./http/tls.ts";
import type { TlsIdentity } from "./http/tls.ts";
import { DEFAULT_LIMITS, Gatekeeper } from "./limits/gatekeeper.ts";
import type { Limits } from "./limits/gatekeeper.ts";
import { adoptKey, assertOwnerKey, createKey } from "./keys.ts";
import { createMetricsServer, listenOn } from "./metrics/metrics-server.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { RenderedMetrics } from "./metrics/render.ts";
import { createOrgRecord } from "./plan.ts";
import type { AuthorityLogger } from "./services.ts";
import { Signer } from "./signing/signer.ts";
import type { Store } from "./store/store.ts";
import type { Plan } from "../wire/index.ts";

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

/** What a new store begins with. */
export interface BootstrapOptions {
  /**
   * The first org's key, chosen by the operator: `org_` and 16 to 200 visible
   * ASCII characters. It should be random. @default one is made
   */
  readonly ownerKey?: string;
  /** The first org's plan. @default "unlimited" */
  readonly plan?: Plan;
  /** The first org's name. @default "default" */
  readonly name?: string;
}

/** Keys that are new. They are shown this once. */
export interface BootstrapKeys {
  readonly ownerKey?: string;
  readonly adminKey?: string;
}

/** Where an authority listens. */
export interface ListenAddress {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** Decides, over HTTP, whether devices may work. */
export interface Authority {
  /**
   * Gives a store that lacks them an administrator's key and a first org, and
   * answers the keys that are new. On a store that has both it does nothing.
   *
   * @throws TypeError when `ownerKey` has not the form of an owner key, or `name` is no name
   * @throws OwnerKeyUnknownError when the store has orgs, and `ownerKey` belongs to none
   * @throws StoreUnavailableError when the store could not be written
   */
  bootstrap(options?: BootstrapOptions): Promise<BootstrapKeys>;
  /** Begins to answer. @default host "127.0.0.1", port 0: any that is free */
  listen(options?: { readonly host?: string; readonly port?: number }): Promise<ListenAddress>;
  /**
   * Serves `/metrics`, and nothing else, on a port of its own and without a key.
   * @default host "127.0.0.1", port 0: any that is free
   */
  listenForMetrics(options?: {
    readonly host?: string;
    readonly port?: number;
  }): Promise<ListenAddress>;
  /**
   * Serves with another certificate and key from the next connection on.
   *
   * @throws TlsIdentityError when one cannot serve with them; the ones before stay
   */
  renewTls(tls: TlsIdentity): void;
  /** Takes no more requests, finishes those it took, and closes the store. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An owner key was given that belongs to no org of a store that has some. */
export class OwnerKeyUnknownError extends Error {
  override readonly name = "OwnerKeyUnknownError";
  readonly code = "OWNER_KEY_UNKNOWN";

  constructor() {
    super(
      "the store has orgs, and the given owner key belongs to none of them; " +
        "give a key it knows, or none, or another store",
    );
  }
}

const silent = (): void => undefined;
const SILENT: AuthorityLogger = { debug: silent, info: silent, warn: silent, error: silent };

function addressOf(scheme: "http" | "https", host: string, port: number): ListenAddress {
  const name = host.includes(":") ? `[${host}]` : host;
  return { url: `${scheme}://${name}:${port}`, host, port };
}

/**
 * Makes an authority on a store. It answers once it listens.
 *
 * @throws TypeError when an option cannot be kept to
 * @throws TlsIdentityError when it cannot serve with the given certificate and key
 */
export function createAuthority(options: AuthorityOptions): Authority {
  checkOptions(options);
  const { store, now = Date.now } = options;
  const logger = options.logger === undefined || options.logger === false ? SILENT : options.logger;
  if (options.tls !== undefined) assertServable(options.tls, now());
  const metrics = new Metrics();
  const lifecycle = { isDraining: false };
  const events = new EventStreams(auditEvents(store), {
    maxStreams: options.events?.maxStreams ?? 1_000,
    maxStreamsPerOrg: options.events?.maxStreamsPerOrg ?? 100,
    heartbeatMs: options.events?.heartbeatMs ?? 15_000,
    stallMs: options.events?.stallMs ?? 10_000,
  });
  const signer = new Signer(store, now);
  const auditsAllow = auditsAllows(options.auditDecisions ?? "all");
  const keepMs = retentionMs(options.auditRetentionDays);
  const retention = new AuditRetention({ store, signer, logger, now, keepMs });
  const server = createServer(
    {
      store,
      logger,
      metrics,
      events,
      lifecycle,
      scrape,
      signer,
      retention,
      auditsAllow,
      now,
      gatekeeper: new Gatekeeper({
        limits: { ...DEFAULT_LIMITS, ...options.limits },
        proxies: options.trustProxy ?? 0,
        clock: () => performance.now(),
      }),
      validMs: options.validMs ?? 2_000,
    },
    {
      maxConnections: options.maxConnections ?? 10_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    },
    { tls: options.tls, corsOrigins: options.corsOrigins ?? [] },
  );
  const metricsServer = createMetricsServer(scrape);

  async function scrape(): Promise<RenderedMetrics> {
    // Loaded by who asks for metrics, so that nobody else starts later for them.
    const { renderMetrics } = await import("./metrics/render.ts");
    return renderMetrics({
      metrics,
      store: store.statistics,
      connections: countConnections(server),
      eventStreams: events.size,
      draining: lifecycle.isDraining,
    });
  }

  let closing: Promise<void> | undefined;

  async function closeOnce(): Promise<void> {
    lifecycle.isDraining = true;
    const { drainMs = 0 } = options;
    if (drainMs > 0 && server.server.listening) {
      logger.info({ drainMs }, "authority draining");
      await delay(drainMs);
    }
    events.close();
    try {
      await Promise.all([shutDown(server, options.closeTimeoutMs ?? 5_000), retention.stop()]);
    } finally {
      metricsServer.close();
      metricsServer.closeAllConnections();
      await store.close();
    }
    logger.info({}, "authority closed");
  }
  const close = (): Promise<void> => (closing ??= closeOnce());

  return {
    async bootstrap({ ownerKey, ...terms } = {}) {
      if (ownerKey !== undefined) assertOwnerKey(ownerKey);
      checkBootstrap(terms);
      const at = now();
      const org = createOrgRecord(terms, at);
      const admin = createKey("admin", null, at);
      const owner =
        ownerKey === undefined
          ? createKey("owner", org.id, at)
          : adoptKey(ownerKey, "owner", org.id, at);
      const done = await store.bootstrap({
        requestId: randomUUID(),
        at,
        adminKey: admin.record,
        org,
        ownerKey: owner.record,
        ownerKeyGiven: ownerKey !== undefined,
      });
      if (done.ownerKey === "unknown") throw new OwnerKeyUnknownError();
      await signer.keys();
      return {
        ...(done.ownerKey === "created" ? { ownerKey: owner.key } : {}),
        ...(done.adminKey === "created" ? { adminKey: admin.key } : {}),
      };
    },
    async listen({ host = "127.0.0.1", port = 0 } = {}) {
      await server.listen({ host, port });
      const address = server.server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      const scheme = options.tls === undefined ? "http" : "https";
      const listening = addressOf(scheme, host, bound);
      logger.info({ url: listening.url }, "authority listening");
      retention.start();
      return listening;
    },
    async listenForMetrics({ host = "127.0.0.1", port = 0 } = {}) {
      const listening = addressOf("http", host, await listenOn(metricsServer, host, port));
      logger.info({ url: listening.url }, "metrics listening");
      return listening;
    },
    renewTls(tls) {
      if (!(server.server instanceof HttpsServer)) {
        throw new TlsIdentityError("the authority serves plain http; start it with a certificate");
      }
      assertServable(tls, now());
      server.server.setSecureContext(tls);
      logger.info({}, "certificate renewed");
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
