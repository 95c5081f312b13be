import { InvalidArgumentError } from "../client/index.ts";
import type { Boundary } from "./boundary.ts";
import type { Guard } from "./guard.ts";
import { isRunOf } from "./run-guards.ts";
import type { Run } from "./run.ts";

type Plain<This, Args extends unknown[], Result> = (this: This, ...args: Args) => Result;

/** What {@link guardFunction} makes of a function: the same, but it answers with a promise. */
export type Guarded<This, Args extends unknown[], Result> = Plain<
  This,
  Args,
  Promise<Awaited<Result>>
>;

/** What a function returns: its result, or the promise of one. */
type Settling<Result> = Awaited<Result> | PromiseLike<Awaited<Result>>;

interface Inner<Body = unknown> {
  readonly owner: Guard | Run;
  readonly body: Body;
}

const guardedFunctions = new WeakMap<object, Inner>();

/**
 * A function that asks at each call, and only then runs: for plain code that no
 * framework calls. It takes the same arguments and keeps `this`.
 *
 * Given a {@link Guard}, each call is a run of its own; given a {@link Run}, the
 * calls share its latch. When the last argument is an `AbortSignal`, or an object
 * that carries one as `signal`, that signal also ends the waiting for an allow,
 * and the function gets in its place one that aborts with the run too.
 *
 * Guarding a function twice asks once: the guard, or the run where one of the two is a
 * run of the other, whose latch then holds. Another guard asks, too.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no
 * function, and for a generator, whose body does not begin with the call
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 *
 * @example
 * const pay = guardFunction(guard, { kind: "side_effect", name: "pay" }, payInvoice);
 * await pay(invoice);
 */
export function guardFunction<This, Args extends unknown[], Result>(
  guard: Guard | Run,
  boundary: Boundary,
  fn: Plain<This, Args, Result>,
): Guarded<This, Args, Result> {
  refuseOthers(fn);
  const { owner, body } = innermost(guard, fn);
  const guarded = async function guarded(this: This, ...args: Args): Promise<Awaited<Result>> {
    const last = args.at(-1);
    const signal = signalIn(last);
    const work = (runSignal: AbortSignal): Settling<Result> =>
      Reflect.apply(body, this, signal === undefined ? args : withSignal(args, last, runSignal));
    return owner.protect<Awaited<Result>>(boundary, work, { signal });
  };
  Object.defineProperty(guarded, "name", { value: fn.name, configurable: true });
  guardedFunctions.set(guarded, { owner, body });
  return guarded;
}

/** Who asks for a function, and what runs then, when it may have been guarded before. */
function innermost<Fn extends object>(guard: Guard | Run, fn: Fn): Inner<Fn> {
  const known = guardedFunctions.get(fn);
  if (known === undefined) return { owner: guard, body: fn };
  // What is known of `fn` is the function it was made of, which takes the same arguments.
  const body = known.body as Fn;
  if (known.owner === guard || isRunOf(guard, known.owner)) return { owner: guard, body };
  if (isRunOf(known.owner, guard)) return { owner: known.owner, body };
  return { owner: guard, body: fn };
}

const GENERATOR = /^\[object (?:Async)?GeneratorFunction\]$/;

function refuseOthers(fn: unknown): void {
  if (typeof fn !== "function") {
    throw new InvalidArgumentError("OPTION_INVALID", "guardFunction takes a function");
  }
  if (GENERATOR.test(Object.prototype.toString.call(fn))) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "The body of a generator does not begin with its call. Guard the function that reads it, or each of its steps",
    );
  }
}

function signalIn(last: unknown): AbortSignal | undefined {
  if (last instanceof AbortSignal) return last;
  if (typeof last !== "object" || last === null) return undefined;
  const signal: unknown = Reflect.get(last, "signal");
  return signal instanceof AbortSignal ? signal : undefined;
}

/** The arguments with `signal` where the caller's was. An object that is no plain one stays. */
function withSignal(args: unknown[], last: unknown, signal: AbortSignal): unknown[] {
  if (last instanceof AbortSignal) return [...args.slice(0, -1), signal];
  const isPlain = Object.getPrototypeOf(last) === Object.prototype;
  return isPlain ? [...args.slice(0, -1), { ...(last as object), signal }] : args;
}
