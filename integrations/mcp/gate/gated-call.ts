import type { Boundary, Run } from "../../../src/index.ts";
import { member } from "./message.ts";
import type { Call, RequestId } from "./message.ts";
import type { Watched } from "./watch.ts";

/** One call that a gate was asked to let through, from its arrival to its end. */
export class GatedCall implements Watched {
  readonly message: Call;
  readonly boundary: Boundary;
  readonly run: Run;
  /** What came with the message; goes along with every message about it. */
  readonly extra: unknown;
  /** The id that the server knows it by. */
  readonly serverId: RequestId | undefined;
  /** The task that goes on after the answer. */
  taskId: string | undefined;
  /** The server has it. */
  isDelivered = false;
  /** It was stopped, or is over: nothing happens to it any more. */
  isOver = false;
  readonly #ended = Promise.withResolvers<void>();
  readonly #given = new AbortController();

  constructor(message: Call, boundary: Boundary, run: Run, extra: unknown) {
    this.message = message;
    this.boundary = boundary;
    this.run = run;
    this.extra = extra;
    const { id } = message;
    // Servers of SDK 1.x cannot cancel a request whose id is falsy.
    this.serverId = id === 0 || id === "" ? crypto.randomUUID() : id;
  }

  /** The id that the client knows it by; undefined when it wants no answer. */
  get clientId(): RequestId | undefined {
    return this.message.id;
  }

  /** Under which its progress is told. */
  get progressToken(): unknown {
    return member(member(this.message.params, "_meta"), "progressToken");
  }

  /** Aborts when the client gives the call up, or is gone. */
  get signal(): AbortSignal {
    return this.#given.signal;
  }

  /** As it goes to the server. */
  get forServer(): Call {
    return this.serverId === this.clientId ? this.message : { ...this.message, id: this.serverId };
  }

  /** Resolves when {@link GatedCall.end} is called. */
  untilEnd(): Promise<void> {
    return this.#ended.promise;
  }

  end(): void {
    this.isOver = true;
    this.#ended.resolve();
  }

  /** Nobody waits for it any more. What the server has of it goes on until it is known to have ended. */
  giveUp(): void {
    this.#given.abort(new Error("the caller gave up"));
    if (!this.isDelivered) this.end();
  }
}
