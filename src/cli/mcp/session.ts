import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

// oxlint-disable unicorn/prefer-add-event-listener -- what the SDK has are callbacks, no event targets

/** One client's session over HTTP: a server of its own, which knows no key but its caller's. */
export class Session {
  readonly id = randomUUID();
  /** Fingerprint of the key that opened it. No other key may use it. */
  readonly owner: string;
  /** Called when it has ended, whoever ended it. */
  onEnd: () => void = () => undefined;
  /** Called when a response is complete. */
  onResponseEnd: () => void = () => undefined;
  #lastUsedMs = performance.now();
  #openResponses = 0;
  #openCalls = 0;
  readonly #server: McpServer;
  readonly #transport: StreamableHTTPServerTransport;

  constructor(owner: string, server: McpServer) {
    this.owner = owner;
    this.#server = server;
    this.#transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => this.id });
    this.#server.server.onclose = () => this.onEnd();
  }

  /** Makes it ready for the client's `initialize`. */
  async begin(): Promise<void> {
    await this.#server.connect(this.#transport);
  }

  /** Whether the client has begun it; until then, nobody knows its id. */
  get isInitialized(): boolean {
    return this.#transport.sessionId !== undefined;
  }

  /** How many requests are being answered, the stream of notifications not counted. */
  get openCalls(): number {
    return this.#openCalls;
  }

  /** For how long nothing has been asked or streamed, in milliseconds. */
  get idleMs(): number {
    const isInUse = this.#openResponses > 0 || !this.isInitialized;
    return isInUse ? 0 : performance.now() - this.#lastUsedMs;
  }

  /** Answers a request of its client. */
  async handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const call = request.method === "GET" ? 0 : 1;
    this.#openResponses += 1;
    this.#openCalls += call;
    response.once("close", () => {
      this.#openResponses -= 1;
      this.#openCalls -= call;
      this.#lastUsedMs = performance.now();
      this.onResponseEnd();
    });
    await this.#transport.handleRequest(request, response, body);
  }

  async end(): Promise<void> {
    await this.#server.close();
  }
}
