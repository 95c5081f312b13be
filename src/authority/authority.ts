import { randomUUID } from "node:crypto";
import { auditsAllows } from "./audit/decisions.ts";
import type { AuditDecisions } from "./audit/decisions.ts";
import { AuditRetention } from "./audit/retention.ts";
import { createServer } from "./http/server.ts";
import { shutDown } from "./http/shut-down.ts";
import { DEFAULT_LIMITS, Gatekeeper } from "./limits/gatekeeper.ts";
import type { Limits } from "./limits/gatekeeper.ts";
import { adoptKey, assertOwnerKey, createKey } from "./keys.ts";
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
  /** The wall clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
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
   * @throws TypeError when `ownerKey` has not the form of an owner key
   * @throws OwnerKeyUnknownError when the store has orgs, and `ownerKey` belongs to none
   * @throws StoreUnavailableError when the store could not be written
   */
  bootstrap(options?: BootstrapOptions): Promise<BootstrapKeys>;
  /** Begins to answer. @default host "127.0.0.1", port 0: any that is free */
  listen(options?: { readonly host?: string; readonly port?: number }): Promise<ListenAddress>;
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

const DAY_MS = 86_400_000;

/**
 * Makes an authority on a store. It answers once it listens.
 *
 * @throws TypeError when `auditDecisions` or `auditRetentionDays` cannot be kept to
 */
export function createAuthority(options: AuthorityOptions): Authority {
  const { store, now = Date.now } = options;
  const logger = options.logger === undefined || options.logger === false ? SILENT : options.logger;
  const signer = new Signer(store, now);
  const auditsAllow = auditsAllows(options.auditDecisions ?? "all");
  const keepMs = retentionMs(options.auditRetentionDays);
  const retention = new AuditRetention({ store, signer, logger, now, keepMs });
  const server = createServer(
    {
      store,
      logger,
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
  );
  let closing: Promise<void> | undefined;

  async function closeOnce(): Promise<void> {
    try {
      await Promise.all([shutDown(server, options.closeTimeoutMs ?? 5_000), retention.stop()]);
    } finally {
      await store.close();
    }
    logger.info({}, "authority closed");
  }
  const close = (): Promise<void> => (closing ??= closeOnce());

  return {
    async bootstrap({ ownerKey, ...terms } = {}) {
      if (ownerKey !== undefined) assertOwnerKey(ownerKey);
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
      const name = host.includes(":") ? `[${host}]` : host;
      const url = `http://${name}:${bound}`;
      logger.info({ url }, "authority listening");
      retention.start();
      return { url, host, port: bound };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function retentionMs(days: number | undefined): number | undefined {
  if (days === undefined) return undefined;
  if (Number.isFinite(days) && days > 0) return days * DAY_MS;
  throw new TypeError("auditRetentionDays must be a number of days above 0");
}
