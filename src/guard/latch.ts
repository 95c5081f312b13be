import type { Attempt } from "./attempt.ts";
import { ExecutionDeniedError } from "./errors.ts";
import type { ExecutionStoppedError } from "./errors.ts";
import type { Denied } from "./held-device.ts";

/** Holds the first refusal of a run for ever, and aborts the run's signal with it. */
export class Latch {
  readonly deviceId: string;
  /** How many stops its device had had when the run began. */
  readonly stops: number;
  /** Checks of the run that are under way, in any order. */
  readonly attempts: Attempt[] = [];
  readonly #onStop: (error: ExecutionStoppedError) => void;
  /** Made when somebody first looks at it. */
  #runId: string | undefined;
  /** Made when somebody first looks at the signal. */
  #controller: AbortController | undefined;
  #error: ExecutionStoppedError | undefined;

  constructor(
    device: { readonly deviceId: string; readonly stops: number },
    onStop: (error: ExecutionStoppedError) => void,
  ) {
    this.deviceId = device.deviceId;
    this.stops = device.stops;
    this.#onStop = onStop;
  }

  get runId(): string {
    this.#runId ??= crypto.randomUUID();
    return this.#runId;
  }

  get error(): ExecutionStoppedError | undefined {
    return this.#error;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#error !== undefined) this.#controller.abort(this.#error);
    }
    return this.#controller.signal;
  }

  /** Stops the run because its device was stopped, wherever the run is just now. */
  deny({ code, requestId }: Denied): ExecutionStoppedError {
    if (this.#error !== undefined) return this.#error;
    const { deviceId, runId } = this;
    const boundary = { kind: "run" } as const;
    return this.set(new ExecutionDeniedError(code, { boundary, deviceId, runId, requestId }));
  }

  /** Latches `error` unless one is latched already; returns the one that holds. */
  set(error: ExecutionStoppedError): ExecutionStoppedError {
    if (this.#error !== undefined) return this.#error;
    this.#error = error;
    for (const attempt of this.attempts) attempt.end("caller", error);
    this.#controller?.abort(error);
    this.#onStop(error);
    return error;
  }
}
