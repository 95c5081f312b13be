import type { Guard, Run } from "../../src/index.ts";

/**
 * The key under which an invocation carries its run: the scope itself in
 * `config.configurable`, only its id in `config.metadata`, which is traced.
 */
export const RUN_KEY = "machineidRun";

/** What of a LangChain config a gate looks at. */
export interface ConfigLike {
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly callbacks?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** LangGraph makes one writer per invocation of a graph and hands it to every step. */
  readonly writer?: unknown;
}

/**
 * One guarded invocation: which run belongs to which guard. Scopes nest, so that
 * an agent under one guard can work inside an agent under another.
 */
export class RunScope {
  readonly id: string;
  readonly #run: Run;
  readonly #guard: Guard;
  readonly #outer: RunScope | undefined;
  #isOver = false;

  constructor(guard: Guard, run: Run, outer: RunScope | undefined) {
    this.id = crypto.randomUUID();
    this.#run = run;
    this.#guard = guard;
    this.#outer = outer;
    scopes.set(this.id, new WeakRef(this));
    forgotten.register(this, this.id);
  }

  get run(): Run {
    return this.#run;
  }

  /** The nearest scope of `guard`, from here outwards. */
  of(guard: Guard): RunScope | undefined {
    return this.#guard === guard ? this : this.#outer?.of(guard);
  }

  /** Whether the invocation has ended. What it left running still belongs to its run. */
  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  /** Left out of anything that serialises a config. */
  toJSON(): undefined {
    return undefined;
  }
}

/** Scopes by id. Whatever still works for an invocation holds its scope. */
const scopes = new Map<string, WeakRef<RunScope>>();
const forgotten = new FinalizationRegistry<string>((id) => scopes.delete(id));

/** The scope that a config, or the metadata of a callback, carries. */
export function findScope(config: ConfigLike | undefined): RunScope | undefined {
  const carried = config?.configurable?.[RUN_KEY];
  if (carried instanceof RunScope) return carried;
  const id = config?.metadata?.[RUN_KEY];
  return typeof id === "string" ? scopes.get(id)?.deref() : undefined;
}
