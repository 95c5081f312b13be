import { ExecutionDeniedError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { Gate } from "./gate.ts";
import type { GatedCall } from "./gated-call.ts";
import {
  ERROR_CODES,
  errorAnswer,
  idMember,
  isRecord,
  member,
  textMember,
  unreadableAnswer,
} from "./message.ts";
import type { Message, RequestId } from "./message.ts";
import { wellFormed } from "./well-formed.ts";
import type { GatePolicy } from "./policy.ts";
import type { SendOptions, Transport } from "./transport.ts";

// oxlint-disable unicorn/prefer-add-event-listener -- what transports have are callbacks, no event targets

export interface GatewaySessionOptions {
  readonly guard: Guard;
  readonly policy: GatePolicy;
  readonly client: Transport;
  /** How long a server may go on with a call that was denied in flight. */
  readonly endAfterMs: number | undefined;
  readonly report: (error: Error) => void;
}

/** How long a client that sends nothing more may wait for its answers, in milliseconds. */
const DRAIN_MS = 2000;

/** One client, its gate, and the connection to the server that is its own. */
export class GatewaySession {
  readonly #options: GatewaySessionOptions;
  readonly #gate: Gate;
  /** Requests that the server has to answer. */
  readonly #pending = new Map<RequestId, Message>();
  /** Requests that it may answer, though nobody waits for that. */
  readonly #cancelled = new Set<RequestId>();
  readonly #closed = Promise.withResolvers<void>();
  #upstream: Transport | undefined;
  #isClosing = false;
  /** The client sends nothing more. */
  #isDraining = false;

  constructor(options: GatewaySessionOptions) {
    this.#options = options;
    this.#gate = new Gate(options.guard, options.policy, {
      toServer: (message) => this.#toServer(message),
      toClient: (message, sendOptions) => this.#toClient(message, sendOptions),
      stopped: (call) => void this.#endStubborn(call),
    });
  }

  async open(upstream: () => Transport | Promise<Transport>): Promise<void> {
    const { client, report } = this.#options;
    try {
      const server = await upstream();
      this.#upstream = server;
      server.onmessage = (message) => this.#fromServer(message);
      server.onerror = report;
      server.onclose = () => void this.close();
      client.onmessage = (message, extra) => this.#fromClient(message, extra);
      client.onerror = report;
      client.onclose = () => void this.close();
      client.onend = () => this.#drain();
      await server.start();
      await client.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Resolves when both sides are closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Ends both sides. Requests that the server has not answered are answered with an error. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      await this.#close().finally(this.#closed.resolve);
    }
    await this.closed;
  }

  async #close(): Promise<void> {
    const { client, report } = this.#options;
    const unanswered = [...this.#pending.keys()];
    this.#gate.shut();
    const gone = (id: RequestId): Message =>
      errorAnswer(id, ERROR_CODES.internal, "The server has gone");
    // A client that is gone itself needs no answer.
    await Promise.allSettled(unanswered.map((id) => client.send(gone(id))));
    const ends = await Promise.allSettled([this.#upstream?.close(), client.close()]);
    // Until the server is gone, what it was doing counts as running.
    this.#gate.close();
    for (const end of ends) if (end.status === "rejected") report(asError(end.reason));
  }

  /** A server that goes on with what was denied is gone with its session. An outage is no denial. */
  async #endStubborn(call: GatedCall): Promise<void> {
    const { endAfterMs, report } = this.#options;
    if (endAfterMs === undefined || !ExecutionDeniedError.isInstance(call.run.stopped)) return;
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), endAfterMs);
    const isLate = await Promise.race([call.untilEnd(), late]);
    clearTimeout(timer);
    if (isLate !== true || this.#isClosing) return;
    const problem = `The server did not end a cancelled call in ${endAfterMs} ms, and is ended`;
    report(new Error(problem, { cause: call.run.stopped }));
    await this.close();
  }

  /** The client sends nothing more, but may still read. */
  #drain(): void {
    this.#isDraining = true;
    const timer: unknown = setTimeout(() => void this.close(), DRAIN_MS);
    (timer as { unref?: () => void }).unref?.();
    this.#closeWhenDrained();
  }

  #closeWhenDrained(): void {
    const isDrained = this.#pending.size === 0 && !this.#gate.isAsking;
    if (this.#isDraining && isDrained) void this.close();
  }

  #fromClient(given: unknown, extra: unknown): unknown {
    const message = wellFormed(given);
    if (message !== undefined) return this.#gate.fromClient(message, extra);
    this.#options.report(new Error("The client sent what is no message of the protocol"));
    // What may be an answer is not answered, or two sides could go on for ever.
    if (isRecord(given) && !("method" in given)) return undefined;
    const id = idMember(given, "id");
    const answer =
      id === undefined
        ? unreadableAnswer()
        : errorAnswer(id, ERROR_CODES.invalidRequest, "Invalid request");
    return this.#toClient(answer);
  }

  async #fromServer(given: unknown): Promise<void> {
    const message = wellFormed(given);
    if (message === undefined) {
      this.#options.report(new Error("The server sent what is no message of the protocol"));
      return;
    }
    const { id, method, result } = message;
    let options: SendOptions | undefined;
    if (method === undefined && id !== undefined) {
      const request = this.#pending.get(id);
      if (request === undefined && !this.#cancelled.delete(id)) {
        this.#options.report(new Error("The server answered a request that it does not have"));
        return;
      }
      this.#pending.delete(id);
      const version = textMember(result, "protocolVersion");
      if (request?.method === "initialize" && version !== undefined) {
        this.#upstream?.setProtocolVersion?.(version);
      }
    } else {
      const relatedRequestId = this.#requestOf(message);
      options = relatedRequestId === undefined ? undefined : { relatedRequestId };
    }
    await this.#gate.fromServer(message, options);
  }

  /**
   * The request that a message of the server's most likely belongs to. A client
   * over HTTP may read nothing else than the answers to its requests.
   */
  #requestOf({ params }: Message): RequestId | undefined {
    const token = member(params, "progressToken");
    const pending = [...this.#pending];
    const owner = pending.find(
      ([, request]) =>
        token !== undefined && member(member(request.params, "_meta"), "progressToken") === token,
    );
    return (owner ?? pending.at(-1))?.[0];
  }

  /** Hands on at once; whether it arrived is known later. */
  #toServer(message: Message): unknown {
    const { id, method } = message;
    const isRequest = method !== undefined && id !== undefined;
    if (isRequest) this.#pending.set(id, message);
    if (method === "notifications/cancelled") {
      const cancelled = idMember(message.params, "requestId") ?? Number.NaN;
      if (this.#pending.delete(cancelled)) this.#cancelled.add(cancelled);
    }
    return this.#upstream?.send(message).catch(async (error: unknown) => {
      this.#options.report(asError(error));
      if (!isRequest || !this.#pending.delete(id)) return;
      const answer = errorAnswer(id, ERROR_CODES.internal, "The server could not be reached");
      await this.#gate.fromServer(answer);
    });
  }

  async #toClient(message: Message, options?: SendOptions): Promise<void> {
    try {
      await this.#options.client.send(message, options);
    } catch (error) {
      if (!this.#isClosing) this.#options.report(asError(error));
    }
    this.#closeWhenDrained();
  }
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
