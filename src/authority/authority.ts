import { randomUUID } from "node:crypto";
import { Server as HttpsServer } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { auditsAllows } from "./audit/decisions.ts";
import { AuditRetention, retentionMs } from "./audit/retention.ts";
import type { AuthorityOptions } from "./authority-options.ts";
import { checkBootstrap, checkOptions } from "./check-options.ts";
import { auditEvents } from "./events/audit-events.ts";
import { EventStreams } from "./events/event-streams.ts";
import { createServer } from "./http/server.ts";
import { LeaseDoor } from "./leases/lease-door.ts";
import { Leases } from "./leases/leases.ts";
import { countConnections, shutDown } from "./http/shut-down.ts";
import { assertServable, TlsIdentityError } from "./http/tls.ts";
import type { TlsIdentity } from "./http/tls.ts";
import { DEFAULT_LIMITS, Gatekeeper } from "./limits/gatekeeper.ts";
import { adoptKey, assertOwnerKey, createKey } from "./keys.ts";
import { createMetricsServer, listenOn } from "./metrics/metrics-server.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { RenderedMetrics } from "./metrics/render.ts";
import { createOrgRecord } from "./plan.ts";
import type { AuthorityLogger, Services } from "./services.ts";
import { Signer } from "./signing/signer.ts";
import type { Plan } from "../wire/index.ts";

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

/** For so long a process that ends waits for acknowledgements. A channel that lives brings them sooner. */
const COLLECT_MS = 500;

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
  const clock = options.monotonicMs ?? (() => performance.now());
  const validMs = options.validMs ?? 2_000;
  const ttlMs = options.leaseTtlMs;
  const leases =
    store.leases === undefined
      ? undefined
      : new Leases({ store, leaseStore: store.leases, logger, clock, now, validMs, ttlMs });
  const services: Services = {
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
    leases,
    validMs,
  };
  const corsOrigins = options.corsOrigins ?? [];
  const leaseDoor =
    leases === undefined || store.leases === undefined
      ? undefined
      : new LeaseDoor({
          services,
          leases,
          store: store.leases,
          limits: options.leases ?? {},
          corsOrigins,
        });
  const server = createServer(
    services,
    {
      maxConnections: options.maxConnections ?? 10_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    },
    { tls: options.tls, corsOrigins, leaseDoor },
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
      leaseChannels: leaseDoor?.size ?? 0,
      pendingStops: leases?.stops.pending ?? 0,
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
    // What is acknowledged now is waited for by nobody after this process.
    await leases?.stops.collect(COLLECT_MS);
    leaseDoor?.close();
    // Whoever waits for a stop is told how far it has come.
    leases?.stops.close();
    try {
      await Promise.all([shutDown(server, options.closeTimeoutMs ?? 5_000), retention.stop()]);
    } finally {
      metricsServer.close();
      metricsServer.closeAllConnections();
      await leases?.close();
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
      await leases?.start();
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
