import { StreamableHTTPClientTransport as TransportOfV2 } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { startCli } from "../../cli/spawn.ts";
import type { Running, Served } from "../../cli/spawn.ts";
import { connectAssistant } from "./assistants.ts";
import type { Assistant, Person, SdkVersion } from "./assistants.ts";

export interface ServedMcp extends AsyncDisposable {
  readonly url: string;
  readonly running: Running;
}

/** Runs `machineid mcp --http` on a free port until it is disposed of. */
export async function startMcpHttp(
  baseUrl: string,
  options: readonly string[] = [],
): Promise<ServedMcp> {
  const running = startCli(["mcp", "--http", "--port", "0", "--json", ...options], {
    env: { MACHINEID_BASE_URL: baseUrl },
  });
  const { url } = JSON.parse(await running.firstLine()) as { url: string };
  return {
    url,
    running,
    async [Symbol.asyncDispose]() {
      running.process.kill("SIGTERM");
      await running.finished;
    },
  };
}

/** Makes another org on an authority, and returns its owner key. */
export async function createOrg({ url, adminKey }: Served): Promise<string> {
  const response = await fetch(`${url}/api/v1/org/create`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-admin-key": adminKey },
    body: JSON.stringify({ name: "another" }),
  });
  return ((await response.json()) as { orgApiKey: string }).orgApiKey;
}

/** Connects a client over HTTP. */
export function connectHttp(
  url: string,
  headers: Readonly<Record<string, string>>,
  { version = "v1", person }: { version?: SdkVersion; person?: Person } = {},
): Promise<Assistant> {
  const requestInit = { headers: { ...headers } };
  return connectAssistant(
    version,
    {
      v1: () => new StreamableHTTPClientTransport(new URL(url), { requestInit }),
      v2: () => new TransportOfV2(new URL(url), { requestInit }),
    },
    person,
  );
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The error of the protocol that the body holds. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
} as const;

/** Sends a request as no client would: any Host, any body. */
export function send(
  url: string,
  { method = "POST", headers, body }: RawRequest,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const request = httpRequest(url, {
    method,
    headers: {
      accept: "application/json, text/event-stream",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
  });
  request.on("error", reject);
  request.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.on("error", reject);
    response.on("end", () => {
      const { statusCode: status = 0, headers: answered } = response;
      const isJson = answered["content-type"]?.startsWith("application/json") === true;
      const parsed = isJson ? (JSON.parse(text) as Pick<RawAnswer, "error">) : undefined;
      resolve({ status, headers: answered, text, error: parsed?.error });
    });
  });
  request.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
  return promise;
}

/** Opens a session and returns its id. */
export async function openSession(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const { headers: answered, status, text } = await send(url, { headers, body: INITIALIZE });
  const id = answered["mcp-session-id"];
  if (typeof id !== "string") throw new Error(`no session: ${status} ${text}`);
  return id;
}
