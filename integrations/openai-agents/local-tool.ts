import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { ToolRefusedError } from "../shared/tool-refused-error.ts";
import { runOf } from "../shared/run-scope.ts";

/** Where each kind of local tool keeps what acts. */
const ACTORS = { shell: "shell", apply_patch: "editor", computer: "computer" } as const;

type LocalToolType = keyof typeof ACTORS;

export const isLocalTool = (type: string): type is LocalToolType => Object.hasOwn(ACTORS, type);

/**
 * Gates a tool that acts on this machine. The SDK hides whatever these throw: it
 * becomes the tool's output. So the refusal of a run stops its next model call,
 * and what the output shows is the fixed payload.
 */
export function gateLocalTool<T extends object>(
  owner: Guard | Run,
  tool: T,
  type: LocalToolType,
): T {
  const name: unknown = Reflect.get(tool, "name");
  const boundary: Boundary = { kind: "tool", name: typeof name === "string" ? name : type };
  return gatedView(owner, tool, (key, value) =>
    key === ACTORS[type] && isObject(value) ? gateActor(owner, boundary, value) : value,
  );
}

/** A shell, an editor, a computer, or what makes a computer: each of its methods asks. */
function gateActor(owner: Guard | Run, boundary: Boundary, actor: object): object {
  const ask =
    (body: (...args: never[]) => unknown, receiver: object | undefined) =>
    async (...args: unknown[]): Promise<unknown> => {
      const result = await protect(owner, boundary, () => Reflect.apply(body, receiver, args));
      return isComputer(result) ? gateActor(owner, boundary, result) : result;
    };
  if (isFunction(actor)) return ask(actor, undefined);
  return gatedView(owner, actor, (key, value) =>
    isFunction(value) && key !== "constructor" ? ask(value, actor) : value,
  );
}

async function protect(
  owner: Guard | Run,
  boundary: Boundary,
  work: () => unknown,
): Promise<unknown> {
  const run = runOf(owner);
  try {
    return await protectUntilStopped(run, boundary, work);
  } catch (error) {
    // What the body itself met, under another guard, is its own.
    if (run.stopped === undefined || error !== run.stopped) throw error;
    throw new ToolRefusedError(run.stopped);
  }
}

const isComputer = (value: unknown): value is object =>
  isObject(value) && isFunction(Reflect.get(value, "screenshot"));
