import { ExecutionDeniedError } from "../../../src/index.ts";
import type { Boundary, ExecutionStoppedError, Guard } from "../../../src/index.ts";
import { GatedCall } from "./gated-call.ts";
import type { GateSides } from "./gate-sides.ts";
import { ERROR_CODES, errorAnswer, idMember, isCall, member, textMember } from "./message.ts";
import type { Call, Message, RequestId } from "./message.ts";
import { isAmbiguous } from "./policy.ts";
import type { GatePolicy } from "./policy.ts";
import { envelopeOf, refusalOf, unlistedRefusal } from "./refusal.ts";
import { endedTask, taskOf } from "./task.ts";
import type { SendOptions } from "./transport.ts";
import { Watch } from "./watch.ts";

/**
 * Stands between one client and one server. What begins work is asked about,
 * each call in a run of its own; everything else goes by as it is. When the run
 * of a call in flight is stopped, the call is cancelled at the server and
 * answered; it counts as running until it is known that the server has ended it.
 */
export class Gate {
  readonly #guard: Guard;
  readonly #policy: GatePolicy;
  readonly #sides: GateSides;
  readonly #watch: Watch;
  /** Calls under way, tasks among them. */
  readonly #calls = new Set<GatedCall>();
  readonly #byClientId = new Map<RequestId, GatedCall>();
  readonly #byServerId = new Map<RequestId, GatedCall>();
  readonly #tasks = new Map<string, GatedCall>();
  /** Requests whose answers nobody waits for, by the id that the server knows; calls among them. */
  readonly #abandoned = new Map<RequestId, GatedCall | undefined>();
  readonly #abandonedProgress = new Set<unknown>();
  /** Requests that were not asked about, by id: whether one is for a list to be narrowed. */
  readonly #relayed = new Map<RequestId, boolean>();
  #isClosed = false;

  constructor(guard: Guard, policy: GatePolicy, sides: GateSides) {
    this.#guard = guard;
    this.#policy = policy;
    this.#sides = sides;
    this.#watch = new Watch(policy);
  }

  /** Takes a message of the client's. */
  fromClient(message: Message, extra?: unknown): unknown {
    if (this.#isClosed) return undefined;
    if (!isCall(message)) return this.#sides.toServer(message, extra);
    if (message.method === "notifications/cancelled") return this.#cancel(message, extra);
    const { id } = message;
    if (id !== undefined && this.#isInUse(id)) {
      // With two requests of an id, the answer to one would pass for the end of the other.
      return this.#answer(errorAnswer(id, ERROR_CODES.invalidRequest, "Request id already in use"));
    }
    const boundary = this.#policy.boundaryOf(message);
    if (boundary !== undefined) {
      // Later messages, a cancellation among them, do not wait for the decision.
      void this.#ask(message, boundary, extra);
      return undefined;
    }
    const isList = message.method === "tools/list" && this.#policy.isSelective;
    if (id !== undefined) this.#relayed.set(id, isList);
    return this.#sides.toServer(message, extra);
  }

  /** Takes a message of the server's. */
  async fromServer(message: Message, options?: SendOptions): Promise<void> {
    const { id, method } = message;
    this.#noteTask(message);
    if (isCall(message) && id !== undefined) {
      const boundary = this.#policy.boundaryAtClient(message);
      if (boundary !== undefined) return this.#askForServer(message, boundary, options);
    }
    if (method !== undefined || id === undefined) {
      const isProgress = method === "notifications/progress";
      const token = member(message.params, "progressToken");
      if (isProgress && this.#abandonedProgress.has(token)) return;
      await this.#sides.toClient(message, this.#relate(options));
      return;
    }
    if (this.#abandoned.has(id)) {
      this.#endAbandoned(id, taskOf(message));
      return;
    }
    const call = this.#byServerId.get(id);
    if (call === undefined) {
      const isList = this.#relayed.get(id) === true;
      this.#relayed.delete(id);
      await this.#sides.toClient(isList ? this.#onlyListed(message) : message, options);
      return;
    }
    this.#forgetIds(call);
    call.taskId = taskOf(message);
    if (call.taskId === undefined) call.end();
    else this.#tasks.set(call.taskId, call);
    await this.#sides.toClient({ ...message, id: call.clientId }, this.#relate(options));
  }

  /** The server's handler of a request has ended, though it may never be answered. */
  handlerEnded(id: RequestId): void {
    this.#abandoned.get(id)?.end();
  }

  /** Whether there are calls that are not decided yet. */
  get isAsking(): boolean {
    return [...this.#calls].some((call) => !call.isDelivered);
  }

  /** Takes nothing more of the client's. What the server has goes on. */
  shut(): void {
    this.#isClosed = true;
    for (const call of this.#calls) if (!call.isDelivered) call.giveUp();
  }

  /** The client or the server is gone. */
  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) {
      call.giveUp();
      call.end();
    }
  }

  #isInUse(id: RequestId): boolean {
    return this.#byClientId.has(id) || this.#relayed.has(id) || this.#abandoned.has(id);
  }

  /** A server asks for work at its client, a call of a model for one. */
  async #askForServer(
    message: Call,
    boundary: Boundary,
    options: SendOptions | undefined,
  ): Promise<void> {
    const related = this.#relate(options);
    const run = this.#guard.run();
    const { strict } = this.#policy;
    try {
      await run.protect(boundary, () => this.#sides.toClient(message, related), { strict });
    } catch (error) {
      if (run.stopped === undefined || message.id === undefined) throw error;
      this.#deliver(refusalOf(message, message.id, error), undefined);
    }
  }

  async #ask(message: Call, boundary: Boundary, extra: unknown): Promise<void> {
    const { id } = message;
    const respond = (answer: (id: RequestId) => Message): void => {
      if (id !== undefined && !this.#isClosed) this.#answer(answer(id));
    };
    if (isAmbiguous(message)) {
      respond((id) => errorAnswer(id, ERROR_CODES.invalidParams, "More than one name of a tool"));
      return;
    }
    if (!this.#policy.mayBegin(message)) {
      respond((id) => unlistedRefusal(message, id));
      return;
    }
    const call = new GatedCall(message, boundary, this.#guard.run(), extra);
    this.#calls.add(call);
    if (id !== undefined) this.#byClientId.set(id, call);
    try {
      const asked = { signal: call.signal, strict: this.#policy.strict };
      await call.run.protect(boundary, () => this.#begin(call), asked);
    } catch (error) {
      // A call that was given up is not answered.
      if (call.signal.aborted) return;
      this.#forgetIds(call);
      const failed = call.isDelivered
        ? (id: RequestId): Message => errorAnswer(id, ERROR_CODES.internal, "Internal error")
        : (id: RequestId): Message => refusalOf(message, id, error);
      respond(failed);
      // What was denied to one call is denied to the device.
      if (ExecutionDeniedError.isInstance(error)) this.#watch.recheck();
    } finally {
      this.#forget(call);
    }
  }

  async #begin(call: GatedCall): Promise<void> {
    const { serverId, extra, run } = call;
    const { signal } = run;
    const ended = call.untilEnd();
    const onAbort = (): void => this.#stop(call);
    signal.addEventListener("abort", onAbort, { once: true });
    call.isDelivered = true;
    if (serverId !== undefined) this.#byServerId.set(serverId, call);
    try {
      this.#sides.toServer(call.forServer, extra);
      if (serverId === undefined) return;
      this.#watch.add(call);
      await ended;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends a call that goes on, because its run was stopped. */
  #stop(call: GatedCall): void {
    if (call.run.stopped === undefined || call.isOver) return;
    // What the client gave up is cancelled already, and is answered to nobody.
    if (!call.signal.aborted) this.#cancelAndAnswer(call, call.run.stopped);
    call.isOver = true;
    this.#forgetIds(call);
    this.#watch.delete(call);
    this.#sides.stopped?.(call);
  }

  #cancelAndAnswer(call: GatedCall, stopped: ExecutionStoppedError): void {
    const { message, serverId, clientId, extra, taskId } = call;
    if (taskId !== undefined) {
      this.#cancelTask(call, taskId);
    } else if (serverId !== undefined && clientId !== undefined) {
      this.#abandoned.set(serverId, call);
      if (call.progressToken !== undefined) this.#abandonedProgress.add(call.progressToken);
      const params = { requestId: serverId, reason: "execution_denied" };
      this.#deliver({ jsonrpc: "2.0", method: "notifications/cancelled", params }, extra);
      this.#answer(refusalOf(message, clientId, stopped));
    }
  }

  #cancelTask({ message, extra }: GatedCall, taskId: string): void {
    const id = crypto.randomUUID();
    this.#abandoned.set(id, undefined);
    const params = { taskId, ...envelopeOf(message) };
    this.#deliver({ jsonrpc: "2.0", id, method: "tasks/cancel", params }, extra);
  }

  /** The server answered after all. A task that it began is nobody's, and would go on unwatched. */
  #endAbandoned(id: RequestId, taskId: string | undefined): void {
    const call = this.#abandoned.get(id);
    this.#abandoned.delete(id);
    if (call === undefined) return;
    if (taskId === undefined) {
      call.end();
      return;
    }
    this.#tasks.set((call.taskId = taskId), call);
    this.#cancelTask(call, taskId);
  }

  /** The client gives a request up. Its id stays in use until the server answers, if it does. */
  #cancel(message: Call, extra: unknown): unknown {
    const id = idMember(message.params, "requestId") ?? Number.NaN;
    const call = this.#byClientId.get(id);
    if (call === undefined) {
      if (this.#relayed.delete(id)) this.#abandoned.set(id, undefined);
      return this.#sides.toServer(message, extra);
    }
    this.#forgetIds(call);
    call.giveUp();
    if (!call.isDelivered) return undefined;
    if (call.serverId !== undefined) this.#abandoned.set(call.serverId, call);
    const params = { ...message.params, requestId: call.serverId };
    return this.#sides.toServer({ ...message, params }, extra);
  }

  #noteTask(message: Message): void {
    const taskId = endedTask(message);
    const call = taskId === undefined ? undefined : this.#tasks.get(taskId);
    call?.end();
  }

  /** The client's name of a request that a message belongs to. */
  #relate(options: SendOptions | undefined): SendOptions | undefined {
    const call = this.#byServerId.get(options?.relatedRequestId ?? Number.NaN);
    return call === undefined ? options : { ...options, relatedRequestId: call.clientId };
  }

  #onlyListed(message: Message): Message {
    const tools = member(message.result, "tools");
    if (!Array.isArray(tools)) return message;
    const listed = tools.filter((tool) => this.#policy.mayList(textMember(tool, "name")));
    return { ...message, result: { ...message.result, tools: listed } };
  }

  /** Sends what the client has no part in. It must not get in the way of a refusal. */
  #deliver(message: Message, extra: unknown): void {
    try {
      this.#sides.toServer(message, extra);
    } catch {
      // A server that takes nothing more is told nothing more.
    }
  }

  #answer(message: Message): void {
    // A client that is gone needs no answer.
    this.#sides.toClient(message).catch(() => undefined);
  }

  #forgetIds(call: GatedCall): void {
    if (call.clientId !== undefined) this.#byClientId.delete(call.clientId);
    if (call.serverId !== undefined) this.#byServerId.delete(call.serverId);
  }

  #forget(call: GatedCall): void {
    this.#forgetIds(call);
    if (call.taskId !== undefined) this.#tasks.delete(call.taskId);
    this.#watch.delete(call);
    this.#calls.delete(call);
  }
}
