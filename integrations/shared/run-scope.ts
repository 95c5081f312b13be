import type { Guard, Run } from "../../src/index.ts";

/** Which run of which guard goes on. Scopes nest. */
interface Scope {
  readonly guard: Guard;
  readonly run: Run;
  readonly outer: Scope | undefined;
}

/** Absent in browsers: every gate of a guard then asks in a run of its own. */
const hooks = globalThis.process?.getBuiltinModule?.("node:async_hooks");
const scopes = hooks === undefined ? undefined : new hooks.AsyncLocalStorage<Scope>();

/** Does `work` so that every gate of `guard` reached from it asks in `run`. */
export function inScope<T>(guard: Guard, run: Run, work: () => T): T {
  if (scopes === undefined) return work();
  return scopes.run({ guard, run, outer: scopes.getStore() }, work);
}

/** The run of the guarded work around this call, if there is one. */
export function currentRun(guard: Guard): Run | undefined {
  for (let scope = scopes?.getStore(); scope !== undefined; scope = scope.outer) {
    if (scope.guard === guard) return scope.run;
  }
  return undefined;
}

/** Where a gate asks: in the run it was made with, in the one around it, or in one of its own. */
export function runOf(owner: Guard | Run): Run {
  return "stopped" in owner ? owner : (currentRun(owner) ?? owner.run());
}
