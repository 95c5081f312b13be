export { guardHooks, mergeHooks } from "./hooks.ts";
export type { GuardHooksOptions, Hooks } from "./hooks.ts";
export { guardOptions, guardQuery } from "./query.ts";
export type { GuardQueryOptions } from "./query.ts";
