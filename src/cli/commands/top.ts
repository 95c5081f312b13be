import { defineCommand } from "citty";
import { readInteger } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS, findOrgKey } from "../connection.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid top`: what the devices do, live. */
export const command = defineCommand({
  meta: {
    name: "top",
    description: "Show devices, sessions, decisions and pending stops as they change",
  },
  args: {
    once: { type: "boolean", description: "Show it once, after one interval, and end" },
    "interval-ms": {
      type: "string",
      description: "Time between two tables, over which checks are counted",
      default: "1000",
      valueHint: "MS",
    },
    pattern: {
      type: "string",
      description: "Only devices whose id begins so, for example worker:prod:*",
      valueHint: "PATTERN",
    },
    ...CONNECTION_ARGUMENTS,
    json: { type: "boolean", description: "JSON Lines: one object each time" },
  },
  async run({ args }): Promise<ExitCode> {
    const intervalMs = readInteger(args["interval-ms"], "--interval-ms", 100, 3_600_000);
    const client = connect(args);
    const { runTop } = await import("../top/top.ts");
    return runTop({
      client,
      orgKey: findOrgKey(args["key-file"]) ?? "",
      allowInsecureHttp: args["allow-insecure-http"] === true,
      pattern: args.pattern,
      intervalMs,
      once: args.once === true,
      json: args.json === true,
    });
  },
});
