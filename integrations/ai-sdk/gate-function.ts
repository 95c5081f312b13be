import { ExecutionStoppedError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";

/** Where the gates of one call, or of one model or tool, ask. */
export interface Binding {
  /** Whose gate it is. Gates of one owner are not put on top of each other. */
  readonly owner: Guard | Run;
  /** The run that all gates share; undefined when every check is a run of its own. */
  readonly run: Run | undefined;
}

/** Gates that ask `owner` itself: in that run, or each in a run of its own. */
export function bindingOf(owner: Guard | Run): Binding {
  return { owner, run: "stopped" in owner ? owner : undefined };
}

interface GatedFunction {
  readonly owner: Guard | Run;
  /** The body, without the gate. */
  readonly invoke: (args: readonly unknown[]) => unknown;
}

const gatedFunctions = new WeakMap<AnyFunction, GatedFunction>();

export interface GateOptions {
  readonly binding: Binding;
  readonly boundary: Boundary;
  /** What runs only after an allow. */
  readonly body: AnyFunction;
  /** `this` of the body. */
  readonly receiver: object;
  /** Which argument is the options object that carries `abortSignal`. */
  readonly optionsAt: 0 | 1;
  /** What is thrown in place of a refusal. @default the refusal itself */
  readonly refusal?: ((stopped: ExecutionStoppedError) => Error) | undefined;
}

/**
 * A function that asks, and then calls `body`. A body that is an async
 * generator becomes one, and any other does not: the SDK treats them apart.
 * A gate of the same owner that is there already is replaced, not doubled.
 */
export function gateFunction(options: GateOptions): AnyFunction {
  const { binding, body, receiver } = options;
  const known = gatedFunctions.get(body);
  const invoke =
    known !== undefined && known.owner === binding.owner
      ? known.invoke
      : (args: readonly unknown[]): unknown => Reflect.apply(body, receiver, args);
  const begin = (args: unknown[]): Promise<unknown> => ask(options, invoke, args);
  const { run } = binding;
  const gated = isAsyncGeneratorFunction(body)
    ? async function* (...args: unknown[]): AsyncGenerator {
        const result = await begin(args);
        if (result instanceof Begun) yield* result.rest(run);
        else yield result;
      }
    : async (...args: unknown[]): Promise<unknown> => {
        const result = await begin(args);
        return result instanceof Begun ? result.last(run) : result;
      };
  gatedFunctions.set(gated, { owner: binding.owner, invoke });
  return gated;
}

async function ask(
  { binding: { owner, run }, boundary, optionsAt, refusal }: GateOptions,
  invoke: GatedFunction["invoke"],
  args: unknown[],
): Promise<unknown> {
  const given = args[optionsAt];
  const callersSignal = isObject(given) ? Reflect.get(given, "abortSignal") : undefined;
  const signal = isAbortSignal(callersSignal) ? callersSignal : undefined;
  const work = (runSignal: AbortSignal): unknown => {
    const bodyArgs = [...args];
    if (run !== undefined) {
      bodyArgs[optionsAt] = { ...(isObject(given) ? given : {}), abortSignal: runSignal };
    }
    const result = invoke(bodyArgs);
    // What a tool returns is read by the SDK to its end; a model's stream is handed on.
    const isRead =
      isAsyncIterable(result) && (boundary.kind === "tool" || !isReadableStream(result));
    return isRead ? new Begun(result) : result;
  };
  try {
    return await (run ?? owner).protect(boundary, work, { signal });
  } catch (error) {
    if (refusal === undefined || !ExecutionStoppedError.isInstance(error)) throw error;
    throw refusal(error);
  }
}

/**
 * An iteration that has begun. Calling a generator enters nothing, so its first
 * step is taken here, right after the allow; none is once the run is stopped.
 */
class Begun {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #first: Promise<IteratorResult<unknown>>;

  constructor(iterable: AsyncIterable<unknown>) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#first = this.#iterator.next();
    this.#first.catch(() => undefined);
  }

  async *rest(run: Run | undefined): AsyncGenerator {
    let next = await this.#first;
    try {
      while (next.done !== true) {
        yield next.value;
        if (run?.stopped !== undefined) throw run.stopped;
        next = await this.#iterator.next();
      }
    } finally {
      if (next.done !== true) await this.#iterator.return?.();
    }
  }

  async last(run: Run | undefined): Promise<unknown> {
    let last: unknown;
    for await (const value of this.rest(run)) last = value;
    return last;
  }
}

function isAsyncGeneratorFunction(body: AnyFunction): boolean {
  return Object.prototype.toString.call(body) === "[object AsyncGeneratorFunction]";
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && typeof Reflect.get(value, Symbol.asyncIterator) === "function";
}

export function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return isObject(value) && typeof Reflect.get(value, "getReader") === "function";
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  return isObject(value) && typeof Reflect.get(value, "aborted") === "boolean";
}
