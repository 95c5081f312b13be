/**
 * A place where work begins.
 *
 * `startup` of a process, a `run` of an agent, a `model` call, a `tool` call, a
 * `retrieval`, a graph `node`, a `task` of a worker, any other `side_effect`.
 */
export type BoundaryKind =
  | "startup"
  | "run"
  | "model"
  | "tool"
  | "retrieval"
  | "node"
  | "task"
  | "side_effect";

export interface Boundary {
  readonly kind: BoundaryKind;
  /** What begins: the tool's name, the model's id. Appears in events and errors. */
  readonly name?: string | undefined;
}

const MAX_NAME_LENGTH = 100;

/** A boundary for people, on one line: `tool "search"`. */
export function describeBoundary({ kind, name }: Boundary): string {
  return name === undefined ? kind : `${kind} ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))}`;
}
