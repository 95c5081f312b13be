import { leaseRequestSchema } from "../../wire/index.ts";
import type { LeaseRequest } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { StoreUnavailableError } from "../store/errors.ts";
import { CLOSE, ChannelSocket } from "./channel-socket.ts";
import type { ChannelSocketOptions } from "./channel-socket.ts";
import type { LeaseOwner } from "./lease-door.ts";
import { LeaseSession } from "./lease-session.ts";
import type { Leases } from "./leases.ts";
import { ProtocolError } from "./protocol-error.ts";

export interface LeaseConnectionOptions extends Omit<ChannelSocketOptions, "onMessage"> {
  readonly services: Services;
  readonly leases: Leases;
  readonly maxDevices: number;
  readonly helloTimeoutMs: number;
  /** Whose it is, when its key came with the handshake. */
  readonly owner: LeaseOwner | undefined;
  /** Lets the key of a `hello` in. @throws Failure when it is not let in */
  readonly admit: (key: string | undefined) => Promise<LeaseOwner>;
}

/** Most messages of one kind that are worked on at once for one connection. */
const MOST_CHECKS = 100;
const LOOK_AGAIN_MS = 5;

/** One connection of the lease channel: its hello, and then its messages, one after the other. */
export class LeaseConnection {
  readonly socket: ChannelSocket;
  readonly #options: LeaseConnectionOptions;
  readonly #helloTimer: NodeJS.Timeout;
  #inbox: string[] = [];
  #isWorking = false;
  #session: LeaseSession | undefined;
  #keyHash: string | undefined;

  constructor(options: LeaseConnectionOptions) {
    this.#options = options;
    this.#helloTimer = setTimeout(
      () => this.socket.close(CLOSE.late, "no hello"),
      options.helloTimeoutMs,
    );
    this.#helloTimer.unref();
    this.socket = new ChannelSocket({
      ...options,
      onMessage: (text) => this.#receive(text),
      onClose: (why) => {
        clearTimeout(this.#helloTimer);
        this.#inbox = [];
        this.#session?.end();
        options.onClose(why);
      },
    });
  }

  /** Almost every message is worked on as it arrives; the others wait for their turn. */
  #receive(text: string): void {
    if (this.#isWorking) this.#inbox.push(text);
    else void this.#work(text);
  }

  async #work(first: string): Promise<void> {
    this.#isWorking = true;
    const { socket } = this;
    try {
      for (let text: string | undefined = first; text !== undefined; text = this.#inbox.shift()) {
        const message = parse(text);
        if (this.#session === undefined) {
          socket.pause();
          // Paused, it would not hear the other side close either.
          await this.#hello(message).finally(() => socket.resume());
        } else {
          const waitMs = this.#waitFor(message);
          if (waitMs > 0) await this.#pauseFor(message, waitMs);
          if (socket.isOpen) this.#session.take(message);
        }
      }
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#isWorking = false;
    }
  }

  /** How long a message that makes work has to wait, by the limits of its key. */
  #waitFor(message: LeaseRequest): number {
    const { gatekeeper } = this.#options.services;
    if (message.type !== "renew" && message.type !== "check") return 0;
    if (message.type === "check" && (this.#session?.checksUnderWay ?? 0) >= MOST_CHECKS) {
      return LOOK_AGAIN_MS;
    }
    return gatekeeper.waitOfFrame(this.#keyHash ?? "", message.type === "check");
  }

  /** Reads no more meanwhile, so that whoever sends too much waits too. */
  async #pauseFor(message: LeaseRequest, firstMs: number): Promise<void> {
    this.socket.pause();
    for (let waitMs = firstMs; waitMs > 0 && this.socket.isOpen; waitMs = this.#waitFor(message)) {
      await new Promise((resolve) => {
        setTimeout(resolve, waitMs).unref();
      });
    }
    this.socket.resume();
  }

  async #hello(message: LeaseRequest): Promise<void> {
    const { leases, services, admit, maxDevices } = this.#options;
    if (message.type !== "hello") throw new ProtocolError("the first message is a hello");
    clearTimeout(this.#helloTimer);
    const owner = this.#options.owner ?? (await admit(message.key));
    if (!this.socket.isOpen) return;
    this.#keyHash = owner.keyHash;
    const held = leases.sessions.of({ ...owner, id: message.session });
    const connection = this.socket;
    this.#session = new LeaseSession({ services, leases, held, connection, maxDevices });
    this.#session.begin(message.devices);
  }

  #refuse(error: unknown): void {
    const { logger } = this.#options.services;
    this.#inbox = [];
    if (error instanceof ProtocolError) {
      logger.info({ reason: error.message }, "lease channel closed: malformed");
      this.socket.close(CLOSE.malformed, error.message.slice(0, 100));
    } else if (error instanceof Failure) {
      this.socket.close(4000 + error.httpStatus, error.code);
    } else if (error instanceof StoreUnavailableError) {
      logger.error({ err: error }, "lease channel closed: store unavailable");
      this.socket.close(CLOSE.storeUnavailable, error.code);
    } else {
      logger.error({ err: error }, "lease channel failed");
      this.socket.cut();
    }
  }
}

/** @throws ProtocolError */
function parse(text: string): LeaseRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ProtocolError("a message is JSON");
  }
  const parsed = leaseRequestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ProtocolError(`${issue?.path.join(".") || "message"}: ${issue?.message ?? "invalid"}`);
}
