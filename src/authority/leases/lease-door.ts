import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { LEASE_PATH, ORG_KEY_HEADER } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { authenticate } from "../http/authenticate.ts";
import { reportFailure } from "../http/errors.ts";
import { endWithFailure } from "../http/raw-failure.ts";
import type { Services } from "../services.ts";
import type { LeaseStore } from "../store/lease-store.ts";
import type { SessionOwner } from "./held-session.ts";
import { LeaseConnection } from "./lease-connection.ts";
import type { Leases } from "./leases.ts";
import { CLOSE } from "./channel-socket.ts";

/** Whose sessions a connection holds. */
export type LeaseOwner = Omit<SessionOwner, "id">;

/** Bounds of the lease channel. */
export interface LeaseLimits {
  /** Connections with one key; more are refused with 429. @default 10_000 */
  readonly maxSessionsPerKey?: number;
  /** Devices of one session. @default 1_000, the most there may be */
  readonly maxDevicesPerSession?: number;
  /** A connection that says no hello for so long is closed. @default 5_000 */
  readonly helloTimeoutMs?: number;
  /** A peer for whom more than this waits to be read is cut off. @default 1_048_576 */
  readonly maxBufferedBytes?: number;
}

export interface LeaseDoorOptions {
  readonly services: Services;
  readonly leases: Leases;
  readonly store: LeaseStore;
  readonly limits: LeaseLimits;
  readonly corsOrigins: readonly string[];
}

/** Connections whose key is not known yet: of browsers and others that set no header, and send it in their hello. */
const MOST_UNKNOWN = 1_000;
/** Largest message of someone whose key is known, and of anybody else. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_UNKNOWN_BYTES = 64 * 1024;
const LOOK_MS = 2_500;
const BUSY_RETRY_MS = 10_000;

/** Where lease channels are opened. */
export class LeaseDoor {
  readonly #options: LeaseDoorOptions;
  readonly #known = socketServer(MAX_MESSAGE_BYTES);
  readonly #unknown = socketServer(MAX_UNKNOWN_BYTES);
  readonly #open = new Set<LeaseConnection>();
  readonly #perKey = new Map<string, number>();
  readonly #looking: NodeJS.Timeout;
  #unknowns = 0;
  #isClosed = false;

  constructor(options: LeaseDoorOptions) {
    this.#options = options;
    for (const server of [this.#known, this.#unknown]) {
      server.on("wsClientError", ({ message }, socket) => {
        const failure = new Failure("REQUEST_MALFORMED", message);
        refuse(socket, options.services, failure, randomUUID());
      });
    }
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  /** Connections that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes what asks for the channel's path; whatever else asks to be upgraded is not, and answered as it is. */
  attach(server: Server): void {
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      this.#enter(request, socket as Socket, head).catch((error: unknown) => {
        refuse(socket, this.#options.services, error, randomUUID());
      });
    });
  }

  /** Ends every connection, and takes no more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looking);
    for (const { socket } of this.#open) {
      socket.close(CLOSE.goingAway, "SHUTTING_DOWN");
      // Whoever does not answer the closing is not waited for.
      setImmediate(() => socket.cut());
    }
  }

  async #enter(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    if (!isLeaseRequest(request))
      throw new Failure("REQUEST_MALFORMED", "There is nothing to upgrade to here.");
    if (this.#isClosed) throw new Failure("SHUTTING_DOWN");
    const { headers } = request;
    this.#checkOrigin(request);
    const key = headers[ORG_KEY_HEADER];
    const owner = key === undefined ? undefined : await this.#admit(request, key);
    if (socket.destroyed) return;
    if (owner === undefined) {
      this.#options.services.gatekeeper.enter(request, undefined);
      if (this.#unknowns >= MOST_UNKNOWN) throw tooMany();
    }
    if (this.#isClosed) throw new Failure("SHUTTING_DOWN");
    const server = owner === undefined ? this.#unknown : this.#known;
    server.handleUpgrade(request, socket, head, (opened) => {
      this.#serve(opened, request, owner);
    });
  }

  #serve(socket: WebSocket, request: IncomingMessage, known: LeaseOwner | undefined): void {
    const { services, leases, limits } = this.#options;
    let owner = known;
    if (owner === undefined) this.#unknowns += 1;
    else this.#count(owner.keyHash, 1);
    const connection = new LeaseConnection({
      socket,
      stream: request.socket,
      services,
      leases,
      clock: () => leases.now(),
      maxDevices: limits.maxDevicesPerSession ?? 1_000,
      maxBufferedBytes: limits.maxBufferedBytes ?? MAX_MESSAGE_BYTES,
      helloTimeoutMs: limits.helloTimeoutMs ?? 5_000,
      owner,
      admit: async (key) => {
        const admitted = await this.#admit(request, key);
        if (owner === undefined && this.#open.has(connection)) {
          owner = admitted;
          this.#unknowns -= 1;
          this.#count(admitted.keyHash, 1);
        }
        return admitted;
      },
      onClose: (why) => {
        this.#open.delete(connection);
        if (owner === undefined) this.#unknowns -= 1;
        else this.#count(owner.keyHash, -1);
        if (why === "cut_off") services.metrics.leaseChannelsCutOff += 1;
      },
    });
    this.#open.add(connection);
    if (this.#isClosed) connection.socket.cut();
  }

  /** @throws Failure when the key may hold no leases, or holds enough */
  async #admit(
    request: IncomingMessage,
    key: string | readonly string[] | undefined,
  ): Promise<LeaseOwner> {
    const { services, store, limits } = this.#options;
    const { socket } = request;
    const headers = { ...request.headers, [ORG_KEY_HEADER]: String(key ?? "") };
    const visitor = authenticate({ id: randomUUID(), headers, socket }, services);
    const { keyHash } = visitor.caller;
    this.#refuseIfMany(keyHash, limits);
    const { orgId } = visitor.accepted(await store.admitLeases(visitor.caller));
    this.#refuseIfMany(keyHash, limits);
    return { keyHash, orgId };
  }

  #refuseIfMany(keyHash: string, { maxSessionsPerKey = 10_000 }: LeaseLimits): void {
    if ((this.#perKey.get(keyHash) ?? 0) >= maxSessionsPerKey) throw tooMany();
  }

  /** A page may open a socket to anywhere: only those of the origins that may call are let in. */
  #checkOrigin({ headers: { origin, host } }: IncomingMessage): void {
    if (origin === undefined || this.#options.corsOrigins.includes(origin)) return;
    if (host !== undefined && URL.parse(origin)?.host === host) return;
    throw new Failure(
      "FORBIDDEN",
      "Pages of this origin may not call; --cors-origin names those that may.",
    );
  }

  #count(keyHash: string, more: number): void {
    const count = (this.#perKey.get(keyHash) ?? 0) + more;
    if (count === 0) this.#perKey.delete(keyHash);
    else this.#perKey.set(keyHash, count);
  }

  #look(): void {
    const now = this.#options.leases.now();
    for (const { socket } of this.#open) socket.look(now);
  }
}

const tooMany = (): Failure =>
  new Failure(
    "TOO_MANY_REQUESTS",
    "Too many lease channels are open with this key.",
    BUSY_RETRY_MS,
  );

function socketServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload,
  });
}

/** Whether a request is for the lease channel; any other is answered as if it did not ask to be upgraded. */
export function isLeaseRequest({
  url = "",
  headers,
}: Pick<IncomingMessage, "url" | "headers">): boolean {
  return url.split("?", 1)[0] === LEASE_PATH && headers.upgrade?.toLowerCase() === "websocket";
}

/** Answers in the failure shape, on a connection that is not upgraded. */
function refuse(socket: Duplex, services: Services, error: unknown, requestId: string): void {
  endWithFailure(socket, reportFailure(services, error, requestId), requestId);
}
