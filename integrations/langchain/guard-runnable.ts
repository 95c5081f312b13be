import type { RunnableConfig } from "@langchain/core/runnables";
import type { BoundaryKind, Guard, Run } from "../../src/index.ts";
import { ENTRIES, isLangChains } from "./gate-entries.ts";
import type { Gated } from "./gate-entries.ts";
import { gateBuilder, isBuilder } from "./gate-builder.ts";
import { gatedPrototypeOf } from "./gate-clone.ts";
import { gateModel, isModel } from "./gate-model.ts";
import { deriveFrom, descriptorAsRead } from "./gate-proxy.ts";
import type { Derive } from "./gate-proxy.ts";
import { gateTool, isTool } from "./gate-tool.ts";
import { isGuarded, markGuarded, selfOf } from "./guarded-objects.ts";
import { propagateConfigs } from "./implicit-config.ts";

/** What {@link guardRunnable} takes: any runnable, agent or compiled graph. */
export interface Guardable {
  invoke(input: never, config?: Partial<RunnableConfig>): Promise<unknown>;
}

/**
 * Gates a runnable, an agent or a compiled graph as a whole. Each call of
 * `invoke`, `stream`, `batch`, `streamEvents`, `streamLog` or `transform` is one
 * run: it asks before it begins, and a handler asks at everything inside that
 * LangChain reports. Once denied, nothing of it begins, its signal is aborted,
 * and the call fails with the denial itself, even if something inside swallowed
 * the denial, retried or fell back.
 *
 * Middleware, tools, models and nodes guarded by the same guard find the run in
 * the config. What is derived from the result (`pipe`, `withConfig`,
 * `withRetry`, `bindTools` and the like) is guarded too, and so is a runnable
 * read from it. Guarding twice is the same as guarding once.
 *
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 */
export function guardRunnable<R extends Guardable>(guard: Guard, runnable: R): R {
  return gateRunnable(guard, runnable, "run");
}

/** Old names that call `invoke` of what they are called on. */
const LEGACY_ENTRIES: ReadonlySet<PropertyKey> = new Set(["call", "run", "apply", "predict"]);

/** What makes of a runnable another that calls it, perhaps more than once: each call asks. */
const DERIVING: ReadonlySet<PropertyKey> = new Set([
  "withRetry",
  "withConfig",
  "withFallbacks",
  "withListeners",
  "pipe",
  "map",
]);

/**
 * {@link guardRunnable} at a boundary of another kind.
 *
 * @param own the run that every call belongs to, instead of the one that it finds
 */
export function gateRunnable<R extends object>(
  guard: Guard,
  runnable: R,
  kind: BoundaryKind,
  own?: Run,
): R {
  if (isGuarded(runnable, guard)) return runnable;
  propagateConfigs();
  const derive: Derive = (derived) => gateRunnable(guard, derived, kind, own);
  if (isModel(runnable)) return gateModel(guard, runnable, derive);
  if (isTool(runnable)) return gateTool(guard, runnable, {}, own);
  const proxy: R = new Proxy(runnable, {
    getOwnPropertyDescriptor: (target, property) =>
      descriptorAsRead(target, property, () => Reflect.get(proxy, property)),
    getPrototypeOf: gatedPrototypeOf(runnable, (clone) => gateRunnable(guard, clone, kind, own)),
    get: (target, property, receiver: object) => {
      const member: unknown = Reflect.get(target, property, target);
      if (property === "builder" && isBuilder(member)) return gateBuilder(member, derive);
      if (property === "lc_kwargs") return gateFields({ guard, target, kind, own }, member, derive);
      if (typeof member !== "function") return deriveFrom(member, derive);
      const gate = typeof property === "string" ? ENTRIES.get(property) : undefined;
      const method = member as (...args: readonly unknown[]) => unknown;
      if (gate !== undefined) return gate({ guard, target, kind, own, receiver }, method);
      if (property === "constructor") return member;
      const isGateItself =
        LEGACY_ENTRIES.has(property) || (DERIVING.has(property) && isLangChains(target, property));
      return function passOn(this: unknown, ...args: unknown[]): unknown {
        const self = isGateItself ? selfOf(this, receiver) : target;
        return deriveFrom(method.apply(self, args), derive);
      };
    },
  });
  return markGuarded(proxy, guard, runnable);
}

/** What a copy would be made from: the function of a lambda is its body. */
function gateFields(gated: Gated, fields: unknown, derive: Derive): unknown {
  const derived = deriveFrom(fields, derive);
  if (typeof derived !== "object" || derived === null || !("func" in derived)) return derived;
  const { func } = derived;
  if (typeof func !== "function") return derived;
  const body = func as (...args: readonly unknown[]) => unknown;
  return { ...derived, func: ENTRIES.get("func")?.(gated, body) };
}
