import { Runner } from "@openai/agents";
import type { run as runAgent, RunConfig } from "@openai/agents";
import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { bindAgent, gateModelsOf } from "./agent.ts";
import type { GuardAgentOptions } from "./agent.ts";
import { isGuarded, isObject } from "../shared/gated-view.ts";
import { currentRun, inScope } from "../shared/run-scope.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { stoppableStream } from "./stopped-stream.ts";
import { nameOf } from "./tool.ts";

export interface GuardRunOptions extends GuardAgentOptions {
  /** What a `Runner` would be made with. Its model and model provider are gated. */
  readonly config?: Partial<RunConfig> | undefined;
}

/**
 * `run` of the SDK, gated as a whole. Each call is one run: it asks before it
 * begins, at the boundary `run` with the agent's name, and then before every
 * model call, tool and handoff inside. Once refused, nothing of it begins, its
 * signal is aborted, and the call, or its stream, fails with the refusal itself,
 * whatever the SDK made of it inside.
 *
 * Models, tools and agents of the same guard that are reached from a call belong
 * to its run, and so does a guarded call inside it.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID`
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 *
 * @example
 * const run = guardRun(guard);
 * const result = await run(agent, "What is the weather?");
 */
export function guardRun(guard: Guard, options: GuardRunOptions = {}): typeof runAgent {
  const runner = guardRunner(guard, options);
  return runner.run.bind(runner);
}

/**
 * A `Runner` whose `run` is gated as by {@link guardRun}. It is a runner like any
 * other: listen to its hooks, or use its `run` on its own.
 */
export function guardRunner(guard: Guard, options: GuardRunOptions = {}): Runner {
  const runner = new GuardedRunner(guard, options);
  runner.run = runner.run.bind(runner);
  return runner;
}

type RunArguments = Parameters<Runner["run"]>;
type RunInput = RunArguments[1];
type AnyRunOptions = { readonly stream?: boolean; readonly signal?: AbortSignal };

class GuardedRunner extends Runner {
  readonly #guard: Guard;
  readonly #options: GuardAgentOptions;

  constructor(guard: Guard, { config, onDeny }: GuardRunOptions) {
    super(config);
    Object.assign(this.config, gateModelsOf(guard, this.config));
    this.#guard = guard;
    this.#options = { onDeny };
  }

  override async run(
    agent: RunArguments[0],
    input: RunInput,
    options: AnyRunOptions = {},
  ): Promise<never> {
    const guard = this.#guard;
    const gate = { owner: guard, options: this.#options, hasGatedProvider: true };
    const guarded = bindAgent(gate, agent);
    refuseForeignState(guard, input);
    const run = currentRun(guard) ?? guard.run({ signal: options.signal });
    const begin = (signal: AbortSignal): Promise<unknown> =>
      inScope(guard, run, () => {
        const withSignal = { ...options, signal };
        return withSignal.stream === true
          ? super.run(guarded, input, { ...withSignal, stream: true })
          : super.run(guarded, input, { ...withSignal, stream: false });
      });
    const boundary = { kind: "run", name: nameOf(agent) } as const;
    const result = await protectUntilStopped(run, boundary, begin, { signal: options.signal });
    const shown = options.stream === true ? stoppableStream(run, result) : result;
    // The overloads of `run` say which result belongs to which options.
    return shown as never;
  }
}

/** A state holds the agents and tools that it will go on with: they must be guarded ones. */
function refuseForeignState(guard: Guard, input: unknown): void {
  if (!isObject(input) || Array.isArray(input)) return;
  const agent: unknown = Reflect.get(input, "_currentAgent");
  if (isObject(agent) && isGuarded(agent, guard)) return;
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    "This RunState was made with an agent that is not guarded. Read it with RunState.fromString(guardAgent(guard, agent), …), or take it from the result of a guarded run",
  );
}
