import { defineCommand } from "citty";
import type { ArgsDef } from "citty";
import { COMMON_ARGUMENTS, readInteger, readPlan } from "../arguments.ts";
import type { ExitCode } from "../exit-code.ts";
import { DEFAULT_DATABASE, DEFAULT_PORT } from "../local-authority.ts";
import { readAuditOptions } from "../serve/audit-options.ts";
import { named, withEnvironment } from "../serve/environment.ts";
import { readLeaseTtl, readOrigins, readTlsFiles } from "../serve/settings.ts";

/** Options of `serve`. Each but the common ones can also be set by a variable of its name. */
export const SERVE_ARGUMENTS = {
  db: {
    type: "string",
    description: "Database file, :memory:, or postgres://…, which better goes into MACHINEID_DB",
    default: DEFAULT_DATABASE,
    valueHint: "FILE",
  },
  port: {
    type: "string",
    description: "Port to listen on; 0 takes any that is free",
    default: String(DEFAULT_PORT),
    valueHint: "PORT",
  },
  host: {
    type: "string",
    description: "Address to listen on",
    default: "127.0.0.1",
    valueHint: "ADDRESS",
  },
  "owner-key": {
    type: "string",
    description: "First org's key; better set MACHINEID_OWNER_KEY, which others cannot see",
    valueHint: "org_…",
  },
  plan: {
    type: "string",
    description: "First org's plan: free, pro, scale, max, unlimited, or a number of devices",
    default: "unlimited",
    valueHint: "PLAN",
  },
  "trust-proxy": {
    type: "string",
    description: "How many proxies stand in front, each adding to X-Forwarded-For",
    default: "0",
    valueHint: "COUNT",
  },
  "log-level": {
    type: "string",
    description: "trace, debug, info, warn, error, fatal, silent",
    default: "info",
    valueHint: "LEVEL",
  },
  "log-format": {
    type: "string",
    description: "readable or json; readable where stderr is a terminal",
    valueHint: "FORMAT",
  },
  "lease-ttl": {
    type: "string",
    description: "For how long leases are good, as 10s: a lost agent runs on for no longer",
    valueHint: "TIME",
  },
  "audit-decisions": {
    type: "string",
    description: "Allows that go into the audit: all, sampled:0.01 (a part of them), or none",
    default: "all",
    valueHint: "WHICH",
  },
  "audit-retention": {
    type: "string",
    description: "Days for which audit entries are kept; all are kept otherwise",
    valueHint: "DAYS",
  },
  "stop-with-stdin": {
    type: "boolean",
    description: "Stop when stdin ends, as it does when the process that started this ends",
  },
  "tls-cert": {
    type: "string",
    description:
      "Serve https with this certificate (PEM, its chain after it); SIGHUP reads it anew",
    valueHint: "FILE",
  },
  "tls-key": {
    type: "string",
    description: "Private key of --tls-cert (PEM)",
    valueHint: "FILE",
  },
  "cors-origin": {
    type: "string",
    description: "Origins whose pages may call, separated by commas; none by default",
    valueHint: "ORIGIN,…",
  },
  "metrics-port": {
    type: "string",
    description: "Serve /metrics without a key on this port; 0 takes any that is free",
    valueHint: "PORT",
  },
  "metrics-host": {
    type: "string",
    description: "Address of --metrics-port",
    default: "127.0.0.1",
    valueHint: "ADDRESS",
  },
  "drain-ms": {
    type: "string",
    description: "When told to stop, answer for so long while /readyz already says 503",
    default: "0",
    valueHint: "MS",
  },
  "max-connections": {
    type: "string",
    description: "Connections beyond these are dropped",
    default: "10000",
    valueHint: "NUMBER",
  },
  ...COMMON_ARGUMENTS,
} as const satisfies ArgsDef;

/** `machineid serve`: runs the authority. */
export const command = defineCommand({
  meta: {
    name: "serve",
    description: "Run your own authority, on a database file or on PostgreSQL",
  },
  args: SERVE_ARGUMENTS,
  async run({ args: given, rawArgs }): Promise<ExitCode> {
    const args = withEnvironment(given, SERVE_ARGUMENTS, rawArgs);
    const metricsPort = args["metrics-port"];
    const options = {
      database: args.db,
      port: readInteger(args.port, named("port"), 0, 65_535),
      host: args.host,
      ownerKey: args["owner-key"]?.trim(),
      plan: readPlan(args.plan, named("plan")),
      trustProxy: readInteger(args["trust-proxy"], named("trust-proxy"), 0, 100),
      tls: readTlsFiles(args["tls-cert"], args["tls-key"]),
      corsOrigins: readOrigins(args["cors-origin"]),
      metrics:
        metricsPort === undefined
          ? undefined
          : {
              host: args["metrics-host"],
              port: readInteger(metricsPort, named("metrics-port"), 0, 65_535),
            },
      drainMs: readInteger(args["drain-ms"], named("drain-ms"), 0, 600_000),
      maxConnections: readInteger(args["max-connections"], named("max-connections"), 1, 1_000_000),
      logLevel: args["log-level"],
      logFormat: args["log-format"] ?? (process.stderr.isTTY ? "readable" : "json"),
      json: args.json === true,
      leaseTtlMs: readLeaseTtl(args["lease-ttl"]),
      audit: readAuditOptions(args),
      stopWithStdin: args["stop-with-stdin"] === true,
    };
    const { serve } = await import("../serve/serve.ts");
    return serve(options);
  },
});
