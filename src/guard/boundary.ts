import { InvalidArgumentError } from "../client/index.ts";

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

/** Where work is about to begin, and what. */
export interface Boundary {
  readonly kind: BoundaryKind;
  /** What begins: the tool's name, the model's id. Appears in events and errors. */
  readonly name?: string | undefined;
}

const KINDS: ReadonlySet<unknown> = new Set<BoundaryKind>([
  "startup",
  "run",
  "model",
  "tool",
  "retrieval",
  "node",
  "task",
  "side_effect",
]);
const MAX_NAME_LENGTH = 100;

/**
 * A boundary as it is used from here on: what a caller changes later, or a name
 * that is no text, cannot get in the way of a refusal.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for what is no boundary
 */
export function readBoundary(boundary: Boundary): Boundary {
  const { kind, name }: Partial<Record<keyof Boundary, unknown>> = Object(boundary);
  if (!KINDS.has(kind)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      `A boundary is { kind, name? }, and kind one of ${[...KINDS].join(", ")}`,
    );
  }
  const isNamed = typeof name === "string" || typeof name === "number";
  return isNamed ? { kind: boundary.kind, name: String(name) } : { kind: boundary.kind };
}

/** A boundary for people, on one line: `tool "search"`. */
export function describeBoundary({ kind, name }: Boundary): string {
  return name === undefined ? kind : `${kind} ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))}`;
}
