import type { Boundary, BoundaryKind, Guard } from "../../src/index.ts";
import { Invocation } from "./invocation.ts";
import type { ConfigLike } from "./run-scope.ts";
import { listenInside, streamUntilStopped, untilStopped } from "./stopped-stream.ts";
import type { Begun } from "./stopped-stream.ts";

/** A method of a runnable that begins its work. */
type Method = (...args: readonly unknown[]) => unknown;
type GatedMethod = (...args: never[]) => unknown;

export interface Gated {
  readonly guard: Guard;
  readonly target: object;
  readonly kind: BoundaryKind;
}

type Options = ConfigLike & { readonly version?: unknown };

/** How each way into a runnable is gated: by name, a gate around the original. */
export const ENTRIES: ReadonlyMap<string, (gated: Gated, original: Method) => GatedMethod> =
  new Map<string, (gated: Gated, original: Method) => GatedMethod>([
    ["invoke", gateCall],
    ["getRelevantDocuments", gateCall],
    ["batch", gateBatch],
    ["stream", gateStream],
    ["streamEvents", gateStreamEvents],
    ["streamLog", gateGenerator],
    ["transform", gateGenerator],
    ["_streamIterator", gateGenerator],
    ["func", gateBare],
    ["_getRelevantDocuments", gateBare],
  ]);

function gateCall(gated: Gated, original: Method) {
  return async (input: unknown, options?: Options, ...rest: unknown[]): Promise<unknown> => {
    const invocation = invoke(gated, options);
    try {
      return await invocation.begin((signal) =>
        original.call(gated.target, input, invocation.config(options, signal), ...rest),
      );
    } finally {
      invocation.end();
    }
  };
}

/** One run for the whole batch: a denial for one input is a denial for all. */
function gateBatch(gated: Gated, original: Method) {
  return async (
    inputs: unknown,
    options?: Options | readonly Options[],
    ...rest: unknown[]
  ): Promise<unknown> => {
    const each: readonly (Options | undefined)[] = isList(options) ? options : [options];
    const signals = each.flatMap((one) => (one?.signal === undefined ? [] : [one.signal]));
    const signal = signals.length < 2 ? signals[0] : AbortSignal.any(signals);
    const invocation = invoke(gated, { ...each[0], signal });
    try {
      return await invocation.begin((signal) => {
        const configs = each.map((one) => invocation.config(one, signal));
        return original.call(gated.target, inputs, isList(options) ? configs : configs[0], ...rest);
      });
    } finally {
      invocation.end();
    }
  };
}

function gateStream(gated: Gated, original: Method) {
  return async (input: unknown, options?: Options, ...rest: unknown[]): Promise<unknown> => {
    const invocation = invoke(gated, options);
    try {
      const stream = await invocation.begin((signal) =>
        original.call(gated.target, input, invocation.config(options, signal), ...rest),
      );
      const parts = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      return streamUntilStopped(invocation, async () => ({ parts }));
    } catch (error) {
      invocation.end();
      throw error;
    }
  };
}

/** Versions 1 and 2 give a stream at once; 3 promises a handle on the running graph. */
function gateStreamEvents(gated: Gated, original: Method) {
  return (input: unknown, options?: Options, ...rest: unknown[]): unknown => {
    const invocation = invoke(gated, options);
    if (options?.version !== "v3" || (rest[0] !== undefined && rest[0] !== null)) {
      const begin = () => beginGenerator(gated, original, invocation, [input, options, ...rest]);
      return streamUntilStopped(invocation, begin);
    }
    return invocation
      .begin((signal) =>
        original.call(gated.target, input, invocation.config(options, signal), ...rest),
      )
      .then((handle) => {
        listenInside(handle);
        return handle;
      });
  };
}

function gateGenerator(gated: Gated, original: Method) {
  return async function* generate(
    input: unknown,
    options?: Options,
    ...rest: unknown[]
  ): AsyncGenerator<unknown, void, undefined> {
    const invocation = invoke(gated, options);
    try {
      const begun = await beginGenerator(gated, original, invocation, [input, options, ...rest]);
      yield* untilStopped(invocation, begun);
    } finally {
      invocation.end();
    }
  };
}

/** The body of a generator begins when its first part is asked for. */
function beginGenerator(
  { target }: Gated,
  original: Method,
  invocation: Invocation,
  [input, options, ...rest]: readonly [unknown, Options | undefined, ...unknown[]],
): Promise<Begun> {
  return invocation.begin(async (signal) => {
    const config = invocation.config(options, signal);
    const made = original.call(target, input, config, ...rest) as AsyncIterable<unknown>;
    const parts = made[Symbol.asyncIterator]();
    return { parts, first: await parts.next() };
  });
}

/** A function that takes no config, called directly. */
function gateBare(gated: Gated, original: Method) {
  return async (...args: unknown[]): Promise<unknown> => {
    const invocation = invoke(gated, undefined);
    try {
      return await invocation.begin(() => original.apply(gated.target, args));
    } finally {
      invocation.end();
    }
  };
}

function invoke({ guard, target, kind }: Gated, config: ConfigLike | undefined): Invocation {
  const boundary: Boundary = { kind, name: nameOf(target) };
  return new Invocation(guard, boundary, config);
}

/** What people call it: `getName()` of a runnable, the `name` of anything else. */
function nameOf(target: object): string | undefined {
  const name: unknown =
    "getName" in target && typeof target.getName === "function"
      ? target.getName()
      : Reflect.get(target, "name");
  return typeof name === "string" ? name : undefined;
}

const isList = <T>(value: T | readonly T[] | undefined): value is readonly T[] =>
  Array.isArray(value);
