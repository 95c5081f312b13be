import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gateway } from "../../../integrations/mcp/gate/gateway.ts";
import { isLoopback } from "../local-authority.ts";
import { printError } from "../output.ts";
import type { ListenOptions } from "./gate.ts";
import { MAX_MESSAGE_BYTES } from "./line-transport.ts";

// oxlint-disable unicorn/prefer-add-event-listener -- what transports have are callbacks, no event targets

const PATH = "/mcp";
/** Each session may have a process behind it. */
const MAX_SESSIONS = 100;
/** A session that nobody has a request open in is over after so many milliseconds. */
const IDLE_MS = 5 * 60 * 1000;

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  /** Requests that are under way, the one that waits for messages among them. */
  open: number;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** A refused request: its status, and what is said. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Where clients are served. */
export interface ServedHttp extends AsyncDisposable {
  readonly url: URL;
}

/**
 * Serves clients over Streamable HTTP, each session with a connection to the
 * server of its own.
 *
 * @throws the error of the system when the address cannot be listened on
 */
export async function serveHttp(
  gateway: Gateway,
  { host, port }: ListenOptions,
): Promise<ServedHttp> {
  const sessions = new Map<string, Session>();
  let opening = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkCaller(request, host);
    const id = request.headers["mcp-session-id"];
    if (id !== undefined) {
      const session = sessions.get(String(id));
      if (session === undefined) throw new Refusal(404, "Session not found");
      follow(session, response);
      await session.transport.handleRequest(request, response);
      return;
    }
    if (request.method !== "POST") throw new Refusal(400, "A session id is needed");
    const body = await readJson(request);
    if (Object(body).method !== "initialize") throw new Refusal(400, "A session id is needed");
    if (sessions.size + opening >= MAX_SESSIONS) throw new Refusal(503, "Too many sessions");
    opening += 1;
    try {
      const session = await openSession();
      // Its client left meanwhile: nobody will ever know of this session.
      if (response.closed) return await session.transport.close();
      follow(session, response);
      await session.transport.handleRequest(request, response, body);
      // The transport turned it away: nobody will ever ask for this session.
      if (session.transport.sessionId === undefined) await session.transport.close();
    } finally {
      opening -= 1;
    }
  }

  async function openSession(): Promise<Session> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, session),
    });
    const session: Session = { transport, open: 0, idle: undefined };
    const connection = await gateway.connect(transport);
    void forget(session, connection.closed);
    return session;
  }

  async function forget(session: Session, closed: Promise<void>): Promise<void> {
    await closed;
    clearTimeout(session.idle);
    const { transport } = session;
    if (transport.sessionId !== undefined) sessions.delete(transport.sessionId);
  }

  function follow(session: Session, response: ServerResponse): void {
    clearTimeout(session.idle);
    session.open += 1;
    response.once("close", () => {
      session.open -= 1;
      if (session.open > 0) return;
      session.idle = setTimeout(() => void session.transport.close(), IDLE_MS).unref();
    });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: new URL(`http://${name}:${taken}${PATH}`),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      await gateway.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Web pages that a browser shows may send requests to this machine, too; they are turned away. */
function checkCaller({ headers, url }: IncomingMessage, host: string): void {
  const { origin } = headers;
  if (origin !== undefined && !isLoopback(hostOf(origin))) throw new Refusal(403, "Origin refused");
  // Under another name of this machine, a page could pass for one of its own.
  const named = hostOf(`http://${headers.host ?? ""}`);
  if (isLoopback(host) && !isLoopback(named)) throw new Refusal(403, "Host refused");
  if (new URL(url ?? "/", "http://localhost").pathname !== PATH)
    throw new Refusal(404, "Not found");
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replaceAll(/[[\]]/g, "") : "";
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MAX_MESSAGE_BYTES) throw new Refusal(413, "The request is too large");
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new Refusal(400, "The request is no JSON");
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  const isRefusal = error instanceof Refusal;
  if (!isRefusal) printError("machineid: gate: A request failed: the server could not be reached");
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = isRefusal ? error.status : 502;
  const message = isRefusal ? error.message : "The server could not be reached";
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32_000, message } }));
}
