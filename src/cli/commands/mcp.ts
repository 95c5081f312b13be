import { defineCommand } from "citty";
import { chooseTools } from "../../../integrations/mcp/tool-names.ts";
import type { MachineIDToolName } from "../../../integrations/mcp/index.ts";
import { checkBaseUrl, MachineID } from "../../client/index.ts";
import { COMMON_ARGUMENTS, readInteger } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS, findEndpoint, readTimeoutMs } from "../connection.ts";
import type { ConnectionArguments } from "../connection.ts";
import { CommandError, EXIT, UsageError } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import type { ServeHttpOptions } from "../mcp/serve-http.ts";

const DEFAULT_PORT = "7644";
const DEFAULT_HOST = "127.0.0.1";

/** `machineid mcp`: the device-management tools for an assistant, over stdio or HTTP. */
export const command = defineCommand({
  meta: { name: "mcp", description: "Serve device management to an assistant (MCP)" },
  args: {
    "read-only": { type: "boolean", description: "Leave out every tool that changes something" },
    tools: {
      type: "string",
      description: "Offer these tools only, for example list_devices,revoke_device",
      valueHint: "NAMES",
    },
    "yes-to-restores": {
      type: "boolean",
      description: "Restore and remove devices, and resume the org, without asking a person",
    },
    http: {
      type: "boolean",
      description: "Serve Streamable HTTP instead of stdio; each caller sends a key of its own",
    },
    port: {
      type: "string",
      description: `With --http: port to listen on, ${DEFAULT_PORT}; 0 takes any that is free`,
      valueHint: "PORT",
    },
    host: {
      type: "string",
      description: `With --http: address to listen on, ${DEFAULT_HOST}`,
      valueHint: "ADDRESS",
    },
    "allow-host": {
      type: "string",
      description: "With --http: names by which callers may call it, beside localhost and --host",
      valueHint: "NAMES",
    },
    ...CONNECTION_ARGUMENTS,
    json: { type: "boolean", description: "With --http: say on one line of JSON where it answers" },
    debug: COMMON_ARGUMENTS.debug,
  },
  async run({ args }): Promise<ExitCode> {
    const readOnly = args["read-only"] === true;
    const server = {
      readOnly,
      tools: readTools(args.tools, readOnly),
      allowRestores: args["yes-to-restores"] === true,
    };
    if (args.http === true) {
      const options = { ...readHttpOptions(args), server };
      const { serveHttp } = await withSdk(() => import("../mcp/serve-http.ts"));
      return serveHttp(options);
    }
    const stray = (["port", "host", "allow-host", "json"] as const).find(
      (name) => args[name] !== undefined && args[name] !== false,
    );
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --http`);
    const client = connect(args);
    const { serveStdio } = await withSdk(() => import("../mcp/serve-stdio.ts"));
    return serveStdio(client, server);
  },
});

/** @throws {@link InvalidArgumentError} for a name that is no tool's */
function readTools(
  names: string | undefined,
  readOnly: boolean,
): readonly MachineIDToolName[] | undefined {
  if (names === undefined) return undefined;
  return [...chooseTools({ tools: listOf(names), readOnly })];
}

const listOf = (names: string): readonly string[] =>
  names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

type HttpArguments = ConnectionArguments & {
  readonly port?: string | undefined;
  readonly host?: string | undefined;
  readonly "allow-host"?: string | undefined;
  readonly json?: boolean | undefined;
};

function readHttpOptions(args: HttpArguments): Omit<ServeHttpOptions, "server"> {
  if (args["key-file"] !== undefined) {
    throw new UsageError("With --http each caller sends a key of its own; leave out --key-file");
  }
  const { baseUrl } = findEndpoint(args.db);
  const timeoutMs = readTimeoutMs(args["timeout-ms"]);
  const allowInsecureHttp = args["allow-insecure-http"] === true;
  const createClient = (orgKey: string): MachineID =>
    new MachineID({ orgKey, baseUrl, timeoutMs, allowInsecureHttp });
  // An address that cannot work is said now, and not to the first caller.
  checkBaseUrl(baseUrl, allowInsecureHttp);
  return {
    port: readInteger(args.port ?? DEFAULT_PORT, "--port", 0, 65_535),
    host: args.host ?? DEFAULT_HOST,
    allowedHosts: listOf(args["allow-host"] ?? ""),
    json: args.json === true,
    createClient,
  };
}

/** @throws {@link CommandError} when the SDK is not installed */
async function withSdk<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CommandError(
      "The MCP SDK is not installed. Install it beside this package: npm install @modelcontextprotocol/sdk",
      { exitCode: EXIT.error, code: "MCP_SDK_MISSING", cause: error },
    );
  }
}
