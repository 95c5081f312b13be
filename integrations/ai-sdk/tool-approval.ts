import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import type { Binding } from "./gate-function.ts";

/** What a gate of ours stands in front of, and whose gate it is. */
interface Gated {
  readonly owner: Binding["owner"];
  readonly decide: AnyFunction;
  readonly receiver: object | undefined;
}

const gatedDecisions = new WeakMap<AnyFunction, Gated>();

/**
 * `toolApproval` of a call, as version 7 has it: one function for all tools, or
 * a status or function for each. A function is called only after an allow, at
 * the boundary `tool`, and its answer stays its own: an `undefined` still means
 * that no approval is needed, and then `execute` asks as always.
 */
export function gateToolApproval(binding: Binding, approval: unknown): unknown {
  if (isFunction(approval)) return askFirst(binding, approval, undefined, toolNameIn);
  if (!isObject(approval)) return approval;
  return gatedView(binding.owner, approval, (tool, status) =>
    isFunction(status) ? askFirst(binding, status, undefined, () => String(tool)) : status,
  );
}

/** `needsApproval` of a tool, as versions 6 and 7 have it, called on `tool`. */
export function gateNeedsApproval(
  binding: Binding,
  needsApproval: AnyFunction,
  tool: object,
  name: string | undefined,
): AnyFunction {
  return askFirst(binding, needsApproval, tool, () => name);
}

function askFirst(
  { owner, run }: Binding,
  given: AnyFunction,
  on: object | undefined,
  nameFrom: (options: unknown) => string | undefined,
): AnyFunction {
  // Outside of a call nothing is approved: a tool that is guarded alone asks when it is executed.
  if (run === undefined) return given;
  const known = gatedDecisions.get(given);
  const { decide, receiver } = known?.owner === owner ? known : { decide: given, receiver: on };
  const gated = (...args: unknown[]): Promise<unknown> => {
    const boundary = { kind: "tool", name: nameFrom(args[0]) } as const;
    return protectUntilStopped(run, boundary, () => Reflect.apply(decide, receiver, args));
  };
  gatedDecisions.set(gated, { owner, decide, receiver });
  return gated;
}

/** The one function for all tools is told which one is called. */
function toolNameIn(options: unknown): string | undefined {
  const call: unknown = isObject(options) ? Reflect.get(options, "toolCall") : undefined;
  const name: unknown = isObject(call) ? Reflect.get(call, "toolName") : undefined;
  return typeof name === "string" ? name : undefined;
}
