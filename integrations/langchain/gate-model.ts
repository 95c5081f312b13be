import type { BaseCache } from "@langchain/core/caches";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { protectIteration } from "../shared/stoppable-source.ts";
import { findRun } from "./find-run.ts";
import type { ManagerLike } from "./find-run.ts";
import { gatedPrototypeOf } from "./gate-clone.ts";
import { MODEL_ENTRIES } from "./gate-entries.ts";
import { deriveFrom, descriptorAsRead, isRunnable } from "./gate-proxy.ts";
import type { Derive } from "./gate-proxy.ts";
import { isGuarded, markGuarded, originalOf, selfOf } from "./guarded-objects.ts";
import type { ConfigLike } from "./run-scope.ts";

type Options = ConfigLike & { readonly version?: unknown };
type Generate = (prompt: unknown, options?: Options, manager?: ManagerLike) => Promise<unknown>;
type Stream = (prompt: unknown, options?: Options, manager?: ManagerLike) => AsyncIterable<unknown>;
type Method = (this: object, ...args: unknown[]) => unknown;

/** A chat model or LLM: whatever has LangChain's place for a provider's request. */
export const isModel = (value: object): boolean =>
  typeof Reflect.get(value, "_generate") === "function" &&
  typeof Reflect.get(value, "_llmType") === "function";

/**
 * Gates the provider's requests of a model, so that no way of calling the model
 * goes round the gate, and what comes from a cache.
 *
 * @param gateOther gates a runnable that the model gives out and that has no model in it to gate
 */
export function gateModel<M extends object>(guard: Guard, model: M, gateOther: Derive): M {
  if (isGuarded(model, guard)) return model;
  return modelProxy({ guard, gateOther, spare: () => guard.run() }, model);
}

/** Gates the models in something, for calls that belong to `own`. */
export function gateModelsFor<M extends object>(guard: Guard, own: Run, model: M): M {
  return deriveGated({ guard, own, spare: () => own, gateOther: (other) => other }, model) as M;
}

interface Gate {
  readonly guard: Guard;
  readonly gateOther: Derive;
  /** The run of the call that this gate was made for. */
  readonly own?: Run | undefined;
  /** The run of a part of a call that finds none. */
  readonly spare: () => Run;
}

function modelProxy<M extends object>(gate: Gate, model: M): M {
  const { guard, own, spare } = gate;
  const boundary: Boundary = { kind: "model", name: nameOf(model) };
  const original = originalOf(model);
  const base = basePrototype(original);
  const isOwn = (property: PropertyKey): boolean =>
    Reflect.get(original, property) !== (base && Reflect.get(base, property));
  const derive: Derive = (derived) => deriveGated(gate, derived);
  const run = (options?: Options, manager?: ManagerLike): Run =>
    own ?? findRun(guard, options, manager) ?? spare();
  /** The same model for one call, so that all that the call does belongs to one run. */
  const forCall = (method: Method, config: unknown, args: unknown[]): unknown => {
    const found = own ?? findRun(guard, isOptions(config) ? config : undefined);
    let fallback: Run | undefined;
    const call: Gate = { ...gate, own: found, spare: () => (fallback ??= spare()) };
    return method.apply(modelProxy(call, model), args);
  };

  const proxy: M = new Proxy(model, {
    getPrototypeOf: gatedPrototypeOf(model, (clone) => modelProxy(gate, clone)),
    getOwnPropertyDescriptor: (target, property) =>
      descriptorAsRead(target, property, () => Reflect.get(proxy, property)),
    get: (target, property, receiver: object) => {
      const member: unknown = Reflect.get(target, property, target);
      if (property === "cache" && isCache(member)) return gateCache(member, run(), boundary);
      if (typeof member !== "function") return deriveFrom(member, derive);
      // LangChain compares these with its own to see whether a model can stream.
      if (base !== undefined && member === Reflect.get(base, property) && isRequest(property)) {
        return member;
      }
      const method = member as Method;
      const entry = MODEL_ENTRIES.get(property);
      if (entry !== undefined && isOwn(property)) {
        return function enter(this: unknown, ...args: never[]): unknown {
          const gated = { guard, own, kind: "model", target: selfOf(this, receiver) } as const;
          return deriveFrom(entry(gated, method)(...args), derive);
        };
      }
      const isOuter = (self: unknown): self is object =>
        self !== receiver && selfOf(self, receiver) === self;
      switch (property) {
        case "constructor":
          return member;
        case "_call":
          return gateGenerate(target, member as Generate, run, boundary);
        case "_generate":
          if (!callsForEach(original, base)) {
            return gateGenerate(target, member as Generate, run, boundary);
          }
          return function each(this: unknown, ...args: unknown[]): unknown {
            return isOuter(this) ? method.apply(this, args) : forCall(method, args[1], args);
          };
        case "_streamResponseChunks":
        case "_streamChatModelEvents":
          return gateStream(target, member as Stream, run, boundary);
        case "generate":
          return function generate(this: unknown, ...args: unknown[]): unknown {
            return isOuter(this) ? method.apply(this, args) : forCall(method, args[1], args);
          };
        case "streamEvents":
          return function streamEvents(this: unknown, ...args: unknown[]): unknown {
            if (isOuter(this)) return method.apply(this, args);
            const version = isOptions(args[1]) ? args[1].version : undefined;
            const isReported = version === "v1" || version === "v2";
            return isReported ? method.apply(receiver, args) : forCall(method, args[1], args);
          };
        default:
          return function passOn(this: unknown, ...args: unknown[]): unknown {
            return deriveFrom(method.apply(selfOf(this, receiver), args), derive);
          };
      }
    },
  });
  return markGuarded(proxy, guard, model);
}

type RunOf = (options?: Options, manager?: ManagerLike) => Run;

function gateGenerate(model: object, generate: Generate, run: RunOf, boundary: Boundary): Generate {
  return (prompt, options, manager) =>
    protectUntilStopped(
      run(options, manager),
      boundary,
      (signal) => generate.call(model, prompt, { ...options, signal }, manager),
      { signal: options?.signal },
    );
}

function gateStream(model: object, stream: Stream, run: RunOf, boundary: Boundary): Stream {
  return async function* gated(prompt, options, manager) {
    const begin = (signal: AbortSignal): AsyncIterable<unknown> =>
      stream.call(model, prompt, { ...options, signal }, manager);
    yield* protectIteration(run(options, manager), boundary, begin, { signal: options?.signal });
  };
}

/** An answer from a cache is the model's all the same. */
function gateCache(cache: BaseCache, run: Run, boundary: Boundary): BaseCache {
  return new Proxy(cache, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      if (property !== "lookup") return member.bind(target);
      return async (...args: Parameters<BaseCache["lookup"]>) => {
        const found = await target.lookup(...args);
        if (found !== null) await run.check(boundary);
        return found;
      };
    },
  });
}

/** LangChain's own class under a model, of whichever copy: the topmost, for a class may override. */
function basePrototype(model: object): object | undefined {
  let base: object | undefined;
  for (let type = Object.getPrototypeOf(model); type !== null; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, "_generateUncached")) base = type;
  }
  return base;
}

/** Whether `_generate` is LangChain's own, which calls `_call` for each prompt: those are bodies. */
function callsForEach(model: object, base: object | undefined): boolean {
  if (typeof Reflect.get(model, "_call") !== "function" || base === undefined) return false;
  let type = model;
  while (!Object.hasOwn(type, "_generate")) type = Object.getPrototypeOf(type);
  return Object.getPrototypeOf(type) === base && !Object.hasOwn(type, "_call") && type !== model;
}

const REQUESTS: ReadonlySet<PropertyKey> = new Set([
  "_generate",
  "_streamResponseChunks",
  "_streamChatModelEvents",
]);
const isRequest = (property: PropertyKey): boolean => REQUESTS.has(property);

/** Bindings and chains that a model makes are gated at the models in them. */
function deriveGated(gate: Gate, derived: object): object {
  const { guard, gateOther } = gate;
  if (isGuarded(derived, guard)) return derived;
  if (isModel(derived)) return modelProxy(gate, derived);
  const models = modelsIn(derived);
  if (models.length === 0) return gateOther(derived) as object;
  if (models.every((model) => isGuarded(model, guard))) return derived;
  const proxy = new Proxy(derived, {
    get: (target, property, receiver: object) => {
      const member: unknown = Reflect.get(target, property, target);
      const derive: Derive = (part) =>
        modelsIn(part).length === 0 ? part : deriveGated(gate, part);
      if (typeof member !== "function") return deriveFrom(member, derive);
      if (property === "constructor") return member;
      return function passOn(this: unknown, ...args: unknown[]): unknown {
        return deriveFrom((member as Method).apply(selfOf(this, receiver), args), derive);
      };
    },
  });
  return markGuarded(proxy, guard, derived);
}

/** Where runnables keep the runnables they are made of. */
const PARTS = ["bound", "first", "middle", "last", "runnable", "fallbacks", "steps"] as const;

/** The models that a runnable consists of, itself included. */
function modelsIn(runnable: object, seen: Set<object> = new Set()): object[] {
  if (seen.has(runnable)) return [];
  seen.add(runnable);
  if (isModel(runnable)) return [runnable];
  return PARTS.flatMap((part) => {
    const member: unknown = Reflect.get(runnable, part);
    if (typeof member !== "object" || member === null) return [];
    const runnables = isRunnable(member) ? [member] : Object.values(member).filter(isRunnable);
    return runnables.flatMap((each) => modelsIn(each, seen));
  });
}

function nameOf(model: object): string | undefined {
  for (const property of ["model", "modelName"]) {
    const name: unknown = Reflect.get(model, property);
    if (typeof name === "string") return name;
  }
  return "getName" in model && typeof model.getName === "function" ? model.getName() : undefined;
}

const isOptions = (value: unknown): value is Options =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCache = (value: unknown): value is BaseCache =>
  typeof value === "object" && value !== null && "lookup" in value && "update" in value;
