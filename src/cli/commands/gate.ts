import { defineCommand } from "citty";
import { parseArgs } from "node:util";
import { createGuard, describeBoundary } from "../../guard/index.ts";
import type { Guard, GuardEvent } from "../../guard/index.ts";
import { readDuration, readInteger, REPEATED } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS, fromEnv, readTimeoutMs } from "../connection.ts";
import type { ConnectionArguments } from "../connection.ts";
import { CommandError, EXIT, UsageError } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import type { GateCommandOptions, runGate } from "../gate/gate.ts";
import { printable, printError } from "../output.ts";
import { ownArguments, programArguments, programEnv, refuseOthers } from "../program-arguments.ts";

type Server = GateCommandOptions["server"];

const { json: _json, ...connectionArguments } = CONNECTION_ARGUMENTS;

/** `machineid gate -- CMD…`: a gate in front of any MCP server. */
export const command = defineCommand({
  meta: {
    name: "gate",
    description: "Put a gate in front of any MCP server: -- CMD… starts one, --url reaches one",
  },
  args: {
    command: { type: "positional", description: "The server, after --", required: false },
    [REPEATED]: { type: "positional", description: "Its arguments", required: false },
    device: {
      type: "string",
      description: "Device id; MACHINEID_DEVICE_ID otherwise",
      valueHint: "ID",
    },
    register: { type: "boolean", description: "Register the device with the first check" },
    url: {
      type: "string",
      description: "Server that is reached over Streamable HTTP",
      valueHint: "URL",
    },
    header: {
      type: "string",
      description: "Header for the server at --url, as NAME: VALUE; may be repeated",
      valueHint: "HEADER",
    },
    allow: {
      type: "string",
      description: "Only tools of these names; * for any text; may be repeated",
      valueHint: "PATTERN",
    },
    deny: {
      type: "string",
      description: "No tools of these names; wins over --allow; may be repeated",
      valueHint: "PATTERN",
    },
    resources: { type: "boolean", description: "Gate the reading of resources, too" },
    prompts: { type: "boolean", description: "Gate prompts, too" },
    completions: { type: "boolean", description: "Gate completions, too" },
    "recheck-ms": {
      type: "string",
      description: "How often calls in flight are asked about again, in milliseconds",
      default: "2000",
      valueHint: "MS",
    },
    grace: {
      type: "string",
      description:
        "How long a server that was started may go on with a call that was stopped, before it is ended; 5s",
      valueHint: "DURATION",
    },
    http: { type: "boolean", description: "Serve clients over Streamable HTTP, not over stdio" },
    host: { type: "string", description: "Address for --http", default: "127.0.0.1" },
    port: { type: "string", description: "Port for --http; 0 takes any", default: "7644" },
    ...connectionArguments,
    "timeout-ms": { ...CONNECTION_ARGUMENTS["timeout-ms"], default: "2000" },
  },
  async run({ args, rawArgs }): Promise<ExitCode> {
    refuseOthers(args._, rawArgs, "The server");
    const server = serverOf(rawArgs, args.url, args.header);
    if ("url" in server && args.grace !== undefined) {
      throw new UsageError("--grace is for a server that is started: nothing ends one at --url");
    }
    const guard = guardOf(args);
    const run = await loadGate();
    return run({
      guard,
      server,
      graceMs: readDuration(args.grace ?? "5s", "--grace"),
      gate: {
        ...listsOf(rawArgs),
        resources: args.resources === true,
        prompts: args.prompts === true,
        completions: args.completions === true,
        recheckMs: readInteger(args["recheck-ms"], "--recheck-ms", 1, 60_000),
        strict: true,
      },
      listen:
        args.http === true
          ? { host: args.host, port: readInteger(args.port, "--port", 0, 65_535) }
          : undefined,
    });
  },
});

function guardOf(
  args: ConnectionArguments & {
    readonly device?: string | undefined;
    readonly register?: boolean | undefined;
  },
): Guard {
  return createGuard(connect(args), {
    deviceId: args.device ?? fromEnv("MACHINEID_DEVICE_ID") ?? "",
    // Where it can be had, a stop is pushed to the calls in flight; what begins is asked about each time.
    enforcement: "auto",
    checkTimeoutMs: readTimeoutMs(args["timeout-ms"]),
    register: args.register === true,
    onEvent: tell,
  });
}

/** What was refused, for the person who runs the gate; the model is told less. */
function tell(event: GuardEvent): void {
  if (event.type === "check" && (event.outcome === "denied" || event.outcome === "unavailable")) {
    tellRefusal(`${describeBoundary(event.boundary)} refused`, event);
  }
  // A stop that was pushed, and that no check has met.
  if (event.type === "stop" && event.error.boundary.kind === "run") {
    tellRefusal("a call in flight stopped", event.error);
  }
}

function tellRefusal(
  what: string,
  { code, requestId }: { readonly code: string; readonly requestId?: string | undefined },
): void {
  const request = requestId === undefined ? "" : ` (request ${requestId})`;
  printError(printable(`machineid: gate: ${what}: ${code}${request}`));
}

/** Options that may be given more than once, each with names that commas part. */
function repeated(rawArgs: readonly string[], name: string): readonly string[] {
  const { values } = parseArgs({
    args: [...ownArguments(rawArgs)],
    options: { [name]: { type: "string", multiple: true } },
    strict: false,
  });
  return [values[name] ?? []].flat().filter((value) => typeof value === "string");
}

function listsOf(rawArgs: readonly string[]): GateCommandOptions["gate"] {
  const namesOf = (option: string): readonly string[] =>
    repeated(rawArgs, option).flatMap((value) => value.split(",").map((name) => name.trim()));
  const [allow, deny] = [namesOf("allow"), namesOf("deny")];
  return {
    ...(allow.length === 0 ? {} : { allow }),
    ...(deny.length === 0 ? {} : { deny }),
  };
}

/** @throws {@link UsageError} */
function serverOf(
  rawArgs: readonly string[],
  url: string | undefined,
  header: string | undefined,
): Server {
  const [program, ...args] = programArguments(rawArgs);
  if ((program === undefined) === (url === undefined)) {
    throw new UsageError("Name one server: -- CMD… to start one, or --url URL to reach one");
  }
  if (program !== undefined) {
    if (header !== undefined) throw new UsageError("--header is for a server at --url");
    return { command: program, args, env: programEnv() };
  }
  const isHttp = URL.canParse(url ?? "") && /^https?:$/.test(new URL(url ?? "").protocol);
  if (!isHttp) throw new UsageError("--url must be the http or https address of a server");
  return { url: new URL(url ?? ""), headers: headersOf(repeated(rawArgs, "header")) };
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    } catch {
      throw new UsageError("--header must be NAME: VALUE");
    }
  }
  return Object.fromEntries(headers);
}

async function loadGate(): Promise<typeof runGate> {
  const { runGate } = await import("../gate/gate.ts");
  return async (options) => {
    try {
      return await runGate(options);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "ERR_MODULE_NOT_FOUND") throw error;
      throw new CommandError(
        "HTTP needs the MCP SDK. Install it: npm install @modelcontextprotocol/sdk",
        { exitCode: EXIT.error, code: "PEER_MISSING", cause: error },
      );
    }
  };
}
