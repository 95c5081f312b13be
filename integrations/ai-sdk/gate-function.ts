import { ExecutionStoppedError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import {
  isReadableStream,
  iteration,
  StoppableSource,
  stoppable,
} from "../shared/stoppable-source.ts";

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

/** The run that a gate asks in: the one that all share, or one of its own. */
const runOf = ({ owner, run }: Binding): Run => run ?? ("stopped" in owner ? owner : owner.run());

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
  const gated = isAsyncGeneratorFunction(body)
    ? async function* (...args: unknown[]): AsyncGenerator {
        const result = await ask(options, invoke, args);
        if (result instanceof StoppableSource) yield* result;
        else yield result;
      }
    : async (...args: unknown[]): Promise<unknown> => {
        const result = await ask(options, invoke, args);
        return result instanceof StoppableSource ? lastOf(result) : result;
      };
  gatedFunctions.set(gated, { owner: binding.owner, invoke });
  return gated;
}

async function ask(
  { binding, boundary, optionsAt, refusal }: GateOptions,
  invoke: GatedFunction["invoke"],
  args: unknown[],
): Promise<unknown> {
  const run = runOf(binding);
  const given = args[optionsAt];
  const callersSignal = isObject(given) ? Reflect.get(given, "abortSignal") : undefined;
  const signal = isAbortSignal(callersSignal) ? callersSignal : undefined;
  const work = async (abortSignal: AbortSignal): Promise<Begun<unknown>> => {
    const bodyArgs = [...args];
    bodyArgs[optionsAt] = { ...(isObject(given) ? given : {}), abortSignal };
    const result = invoke(bodyArgs);
    // Calling a generator enters nothing: its first step is taken at once, right after the allow.
    if (isPartial(result, boundary)) return iteration(run, result);
    const settled = await result;
    return isPartial(settled, boundary) ? iteration(run, settled) : stoppable(run, settled);
  };
  try {
    return await protectWhile(run, boundary, work, { signal });
  } catch (error) {
    if (refusal === undefined || !ExecutionStoppedError.isInstance(error)) throw error;
    throw refusal(error);
  }
}

/** What a tool returns in parts is read to its end; a model's stream is handed on. */
const isPartial = (result: unknown, { kind }: Boundary): result is AsyncIterable<unknown> =>
  isAsyncIterable(result) && (kind === "tool" || !isReadableStream(result));

async function lastOf(parts: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const part of parts) last = part;
  return last;
}

function isAsyncGeneratorFunction(body: AnyFunction): boolean {
  return Object.prototype.toString.call(body) === "[object AsyncGeneratorFunction]";
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && typeof Reflect.get(value, Symbol.asyncIterator) === "function";
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  return isObject(value) && typeof Reflect.get(value, "aborted") === "boolean";
}
