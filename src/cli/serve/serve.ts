import { createAuthority, OwnerKeyUnknownError, TlsIdentityError } from "../../authority/index.ts";
import type { Authority, BootstrapKeys, ListenAddress } from "../../authority/index.ts";
import type { Logger } from "pino";
import type { Plan } from "../../wire/index.ts";
import { CommandError, EXIT, UsageError } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { listenProblem } from "../listen-problem.ts";
import { announceLocalAuthority, isLoopback, retractLocalAuthority } from "../local-authority.ts";
import { flushed, print, printError, printJson } from "../output.ts";
import { aborted, stopSignal } from "../stop-signal.ts";
import type { AuditOptions } from "./audit-options.ts";
import { renderBanner } from "./banner.ts";
import { createLogger } from "./logger.ts";
import { isFile, nameOf, openStore, storeError } from "./open-store.ts";
import type { TlsFiles } from "./settings.ts";
import { loadTls, renewTls, tlsError } from "./tls-files.ts";

/** What `serve` was asked for. */
export interface ServeOptions {
  /** A file, `:memory:`, or the address of a PostgreSQL database. */
  readonly database: string;
  readonly port: number;
  readonly host: string;
  /** The first org's key; one is made when it is not given. */
  readonly ownerKey: string | undefined;
  readonly plan: Plan;
  /** How many proxies stand in front. */
  readonly trustProxy: number;
  readonly logLevel: string;
  readonly logFormat: string;
  /** For how long leases are good; what the store says when it is undefined. */
  readonly leaseTtlMs: number | undefined;
  /** What of the audit is kept. */
  readonly audit: AuditOptions;
  /** Say on one line of JSON where it answers. */
  readonly json: boolean;
  /** Stop when stdin ends. */
  readonly stopWithStdin: boolean;
  /** Serve https with these. */
  readonly tls: TlsFiles | undefined;
  readonly corsOrigins: readonly string[];
  /** Where `/metrics` is served without a key. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** How long stopping goes on answering first, in milliseconds. */
  readonly drainMs: number;
  readonly maxConnections: number;
}

/**
 * Runs the authority until it is told to stop.
 *
 * @throws {@link CommandError} when it cannot begin
 */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const { database, json } = options;
  const { tls } = options;
  const logger = createLogger(options.logLevel, options.logFormat);
  let authority: Authority | undefined;
  const stop = stopSignal({
    withStdin: options.stopWithStdin,
    onHangup:
      tls === undefined
        ? undefined
        : () => {
            if (authority !== undefined) renewTls(authority, tls, logger);
          },
  });
  authority = await open(options, logger);
  const isLocal = isFile(database);
  try {
    const address = await listen(options, (at) => authority.listen(at));
    const metrics =
      options.metrics === undefined
        ? undefined
        : await listen(options.metrics, (at) => authority.listenForMetrics(at));
    if (isLocal) announce(database, address);
    // Last, so that no key is made which nobody is shown. Until then every call is refused.
    const keys = await bootstrap(authority, options);
    if (json) {
      const metricsUrl = metrics === undefined ? {} : { metricsUrl: metrics.url };
      printJson({ url: address.url, ...metricsUrl, ...keys, pid: process.pid });
    } else print(renderBanner({ address, metrics, database, keys, plan: options.plan }));
    // Keys that nobody has seen are of no use.
    if ((await flushed()) !== undefined) return EXIT.error;
    if (tls === undefined && !isLoopback(options.host)) {
      printError(
        `machineid: warning: ${options.host} can be reached from other machines, and this speaks plain http: give it --tls-cert and --tls-key, or put TLS in front of it`,
      );
    }
    await aborted(stop);
  } finally {
    if (isLocal) retractLocalAuthority(database);
    await authority.close();
  }
  return EXIT.ok;
}

async function open(options: ServeOptions, logger: Logger): Promise<Authority> {
  const { tls, corsOrigins, drainMs, maxConnections, trustProxy, audit, leaseTtlMs } = options;
  const identity = tls === undefined ? {} : { tls: loadTls(tls) };
  const store = await openStore(options.database);
  try {
    return createAuthority({
      store,
      logger,
      corsOrigins,
      drainMs,
      maxConnections,
      trustProxy,
      ...audit,
      ...(leaseTtlMs === undefined ? {} : { leaseTtlMs }),
      ...identity,
    });
  } catch (error) {
    await store.close();
    if (tls !== undefined && error instanceof TlsIdentityError) throw tlsError(tls, error);
    throw error;
  }
}

async function bootstrap(authority: Authority, options: ServeOptions): Promise<BootstrapKeys> {
  const { ownerKey, plan, database } = options;
  try {
    return await authority.bootstrap(
      ownerKey === undefined || ownerKey === "" ? { plan } : { ownerKey, plan },
    );
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--owner-key: ${error.message}`);
    if (error instanceof OwnerKeyUnknownError) {
      throw new CommandError(
        `The owner key that was given belongs to no org of ${nameOf(database)}. Leave it out, or give another --db`,
        { exitCode: EXIT.error, code: error.code, cause: error },
      );
    }
    throw storeError(database, error);
  }
}

type Place = Pick<ListenAddress, "host" | "port">;

async function listen(
  { host, port }: Place,
  begin: (place: Place) => Promise<ListenAddress>,
): Promise<ListenAddress> {
  try {
    return await begin({ host, port });
  } catch (error) {
    throw listenProblem({ host, port }, error);
  }
}

function announce(database: string, { url, host, port }: ListenAddress): void {
  const { protocol } = new URL(url);
  try {
    announceLocalAuthority(database, isAnyAddress(host) ? `${protocol}//127.0.0.1:${port}` : url);
  } catch (error) {
    throw storeError(database, error);
  }
}

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";
