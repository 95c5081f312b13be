import type { Guard } from "../../src/index.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { runFor, scopeWith } from "./find-run.ts";
import { gateRunnable } from "./guard-runnable.ts";
import type { Guardable } from "./guard-runnable.ts";
import { isGuarded, markGuarded } from "./guarded-objects.ts";
import { carryRun } from "./run-config.ts";
import type { ConfigLike } from "./run-scope.ts";

/**
 * Gates a node of a graph: a function, or a runnable such as a `ToolNode` or a
 * compiled graph. Gives back a node for `addNode`; a runnable keeps its type.
 *
 * The node asks each time it is entered: again after an interrupt, and at each
 * attempt of its retry policy. What it throws comes through untouched, interrupts
 * and commands included.
 *
 * The nodes of one invocation share a run: that of the guarded graph around
 * them, or else one of the invocation's own.
 *
 * @throws {@link ExecutionDeniedError} from the graph's calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the graph's calls: it gave no decision
 */
export function guardNode<R extends Guardable>(guard: Guard, node: R): R;
export function guardNode<A extends unknown[], T>(
  guard: Guard,
  node: (...args: A) => T | Promise<T>,
): (...args: A) => Promise<T>;
export function guardNode(
  guard: Guard,
  node: Guardable | ((...args: never[]) => unknown),
): unknown {
  if (typeof node !== "function") return gateRunnable(guard, node, "node");
  if (isGuarded(node, guard)) return node;
  const gated = (state: unknown, config?: ConfigLike, ...rest: unknown[]): Promise<unknown> => {
    const run = runFor(guard, config);
    const body = node as (...args: unknown[]) => unknown;
    return protectUntilStopped(
      run,
      { kind: "node", name: nameOf(node, config) },
      (signal) => body(state, carryRun(config, scopeWith(guard, run, config), signal), ...rest),
      { signal: config?.signal },
    );
  };
  return markGuarded(gated, guard, node);
}

/**
 * Gates a compiled graph as {@link guardRunnable} does: each call is one run,
 * every node asks when it is entered, and nodes, tools and models guarded by the
 * same guard share the run. A resume is a call of its own and asks anew.
 *
 * @throws as {@link guardRunnable} says
 */
export function guardGraph<G extends Guardable>(guard: Guard, graph: G): G {
  return gateRunnable(guard, graph, "run");
}

function nameOf(node: { readonly name: string }, config: ConfigLike | undefined): string {
  const name = config?.metadata?.["langgraph_node"];
  return typeof name === "string" ? name : node.name;
}
