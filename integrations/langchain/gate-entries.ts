import type { Boundary, BoundaryKind, Guard, Run } from "../../src/index.ts";
import { originalOf, selfOf } from "./guarded-objects.ts";
import { Invocation } from "./invocation.ts";
import type { ConfigLike } from "./run-scope.ts";
import { listenInside, streamUntilStopped } from "./stopped-stream.ts";
import type { StoppableSource } from "../shared/stoppable-source.ts";

/** A method of a runnable that begins its work. */
export type Method = (...args: readonly unknown[]) => unknown;
export type GatedMethod = (...args: never[]) => unknown;
type Gate = (gated: Gated, original: Method) => GatedMethod;

export interface Gated {
  readonly guard: Guard;
  readonly target: object;
  readonly kind: BoundaryKind;
  /** The gate that it was read from. */
  readonly receiver?: object | undefined;
  /** The run that every call belongs to, instead of the one that it finds. */
  readonly own?: Run | undefined;
}

type Options = ConfigLike & { readonly version?: unknown };

/** How each way into a runnable is gated: by name, a gate around the original. */
export const ENTRIES: ReadonlyMap<PropertyKey, Gate> = new Map<PropertyKey, Gate>([
  ["invoke", gateCall],
  ["getRelevantDocuments", gateCall],
  ["batch", gateBatch],
  ["stream", gateStream],
  ["streamEvents", gateStreamEvents],
  ["streamLog", (gated, original) => gateGenerator(gated, original, false)],
  ["transform", gateGenerator],
  ["_streamIterator", gateGenerator],
  ["_invoke", gateCall],
  ["_transform", gateBareGenerator],
  ["func", gateBare],
  ["_getRelevantDocuments", gateBare],
]);

/** What LangChain's own methods of a model lead to its request; a class's own may be a body. */
export const MODEL_ENTRIES: ReadonlyMap<PropertyKey, Gate> = new Map<PropertyKey, Gate>([
  ...ENTRIES,
  ["generate", gateModelCall],
  ["generatePrompt", gateModelCall],
  ["call", gateModelCall],
  ["predict", gateModelCall],
  ["_generateUncached", gateBare],
  ["_generateCached", gateBare],
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

/** A model takes a list of stop words in place of options. */
function gateModelCall(gated: Gated, original: Method) {
  const call = gateCall(gated, original);
  return (input: unknown, options?: Options | readonly string[], ...rest: unknown[]) =>
    call(input, isList<unknown>(options) ? ({ stop: options } as Options) : options, ...rest);
}

/**
 * One run for the whole batch: a denial for one input is a denial for all.
 * LangChain's own batch calls `invoke` for each input, which then asks as well.
 */
function gateBatch(gated: Gated, original: Method) {
  const { target, receiver = target } = gated;
  return async function batch(
    this: unknown,
    inputs: unknown,
    options?: Options | readonly Options[],
    ...rest: unknown[]
  ): Promise<unknown> {
    const self = isLangChains(target, "batch") ? selfOf(this, receiver) : target;
    const each: readonly (Options | undefined)[] = isList(options) ? options : [options];
    const signals = each.flatMap((one) => (one?.signal === undefined ? [] : [one.signal]));
    const signal = signals.length < 2 ? signals[0] : AbortSignal.any(signals);
    const invocation = invoke(gated, { ...each[0], signal });
    try {
      return await invocation.begin((signal) => {
        const configs = each.map((one) => invocation.config(one, signal));
        return original.call(self, inputs, isList(options) ? configs : configs[0], ...rest);
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
      // What is given back may begin its work only when its first part is asked for.
      const parts = await beginParts(gated, original, invocation, [input, options, ...rest]);
      return streamUntilStopped(invocation, () => Promise.resolve(parts));
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
      // What it tells of goes on behind it.
      const begin = () => beginParts(gated, original, invocation, [input, options, ...rest], false);
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

function gateGenerator(gated: Gated, original: Method, isAll = true) {
  return async function* generate(
    input: unknown,
    options?: Options,
    ...rest: unknown[]
  ): AsyncGenerator<unknown, void, undefined> {
    const invocation = invoke(gated, options);
    try {
      yield* await beginParts(gated, original, invocation, [input, options, ...rest], isAll);
    } finally {
      invocation.end();
    }
  };
}

function beginParts(
  { target }: Gated,
  original: Method,
  invocation: Invocation,
  [input, options, ...rest]: readonly [unknown, Options | undefined, ...unknown[]],
  isAll = true,
): Promise<StoppableSource<unknown>> {
  const work = (signal: AbortSignal): unknown =>
    original.call(target, input, invocation.config(options, signal), ...rest);
  return invocation.beginParts(work, isAll);
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

/** A generator that takes no config where the others do. */
function gateBareGenerator(gated: Gated, original: Method) {
  return async function* generate(...args: unknown[]): AsyncGenerator<unknown, void, undefined> {
    const invocation = invoke(gated, undefined);
    const bare: Method = () => original.apply(gated.target, args);
    try {
      yield* await beginParts(gated, bare, invocation, [undefined, undefined]);
    } finally {
      invocation.end();
    }
  };
}

/** Whether a runnable has the method from LangChain's `Runnable`, of whichever copy. */
export function isLangChains(target: object, property: PropertyKey): boolean {
  const original = originalOf(target);
  let base: object | undefined;
  for (let type = original; type !== null; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, "_callWithConfig")) base = type;
  }
  return base !== undefined && Reflect.get(original, property) === Reflect.get(base, property);
}

function invoke({ guard, target, kind, own }: Gated, config: ConfigLike | undefined): Invocation {
  const boundary: Boundary = { kind, name: nameOf(target) };
  return new Invocation(guard, boundary, config, own);
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
