import { defineCommand } from "citty";
import { COMMON_ARGUMENTS, readInteger, readPlan } from "../arguments.ts";
import type { ExitCode } from "../exit-code.ts";
import { DEFAULT_DATABASE, DEFAULT_PORT } from "../local-authority.ts";
import { readAuditOptions } from "../serve/audit-options.ts";

/** `machineid serve`: runs the authority. */
export const command = defineCommand({
  meta: {
    name: "serve",
    description: "Run your own authority, on a database file or on PostgreSQL",
  },
  args: {
    db: {
      type: "string",
      description: `Database file (${DEFAULT_DATABASE}), :memory:, or postgres://…, which better goes into MACHINEID_DB`,
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
    ...COMMON_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const options = {
      database: args.db ?? process.env["MACHINEID_DB"] ?? DEFAULT_DATABASE,
      port: readInteger(args.port, "--port", 0, 65_535),
      host: args.host,
      ownerKey: args["owner-key"] ?? process.env["MACHINEID_OWNER_KEY"]?.trim(),
      plan: readPlan(args.plan),
      trustProxy: readInteger(args["trust-proxy"], "--trust-proxy", 0, 100),
      logLevel: args["log-level"],
      logFormat: args["log-format"] ?? (process.stderr.isTTY ? "readable" : "json"),
      json: args.json === true,
      audit: readAuditOptions(args),
      stopWithStdin: args["stop-with-stdin"] === true,
    };
    const { serve } = await import("../serve/serve.ts");
    return serve(options);
  },
});
