import { constants } from "node:os";
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { AuthorityUnavailableError, createGuard, ExecutionDeniedError } from "../../index.ts";
import type { ExecutionStoppedError, GuardClient, GuardEvent, GuardOptions } from "../../index.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import { printable, printError } from "../output.ts";
import type { CommandLine } from "../process-tree/mark.ts";
import { prepareProcessTree } from "../process-tree/process-tree.ts";
import type { PreparedTree, ProcessEnd, TreeEnd } from "../process-tree/process-tree.ts";
import { checkIsolation, isolated } from "./isolation.ts";
import { Overseer } from "./overseer.ts";
import { SignalRelay } from "./signals.ts";
import { StatusFile } from "./status-file.ts";

export interface ExecOptions {
  readonly client: GuardClient;
  readonly guard: Pick<GuardOptions, "deviceId" | "register" | "checkTimeoutMs">;
  readonly program: CommandLine;
  readonly env: NodeJS.ProcessEnv;
  /** What the program has between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
  /** How often a program that runs is asked about again, in milliseconds. */
  readonly recheckMs: number;
  /** In namespaces of its own. */
  readonly isIsolated: boolean;
  readonly statusFile: string | undefined;
  /** Told of what happens. */
  readonly onEvent?: (event: GuardEvent) => void;
}

/** A program that was run to its end. */
interface Outcome extends TreeEnd {
  /** Whether it ended by itself, before it was told to. */
  readonly byItself: boolean;
}

/**
 * Runs a program for as long as its device may work.
 *
 * @returns what `exec` ends with: the program's exit code, 128+n for a signal, 3 denied, 4 unavailable
 * @throws {@link CommandError} when it could not be tried
 */
export async function runExec(options: ExecOptions): Promise<number> {
  if (process.platform === "win32") {
    throw new CommandError("exec needs Linux or macOS: elsewhere a program's children outlive it", {
      exitCode: EXIT.error,
      code: "PLATFORM_UNSUPPORTED",
    });
  }
  // Whoever opens it later would make the program's own stderr non-blocking.
  void process.stderr.fd;
  const status = new StatusFile(options.statusFile, options.guard.deviceId);
  try {
    if (options.isIsolated) await checkIsolation(options.env);
    const execution = new Execution(options, status, await prepareProcessTree(options.env));
    return await execution.run();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "INTERNAL";
    status.set({ state: "failed", code, exit_code: EXIT.error });
    throw error;
  }
}

class Execution {
  readonly #options: ExecOptions;
  readonly #status: StatusFile;
  readonly #prepared: PreparedTree;
  readonly #interrupt = new AbortController();
  #interruptedBy: NodeJS.Signals | undefined;
  #overseer: Overseer | undefined;
  #hasStarted = false;

  constructor(options: ExecOptions, status: StatusFile, prepared: PreparedTree) {
    this.#options = options;
    this.#status = status;
    this.#prepared = prepared;
  }

  async run(): Promise<number> {
    const relay = new SignalRelay((name) => {
      this.#interruptedBy ??= name;
      this.#interrupt.abort(new Error(`interrupted by ${name}`));
    });
    const guard = createGuard(this.#options.client, {
      ...this.#options.guard,
      enforcement: "auto",
      onEvent: (event) => this.#hear(event),
    });
    const strict = createGuard(this.#options.client, { ...this.#options.guard, register: false });
    const run = guard.run({ signal: this.#interrupt.signal });
    const boundary = { kind: "run", name: basename(this.#options.program.command) } as const;
    const stuck = Promise.withResolvers<Outcome>();
    try {
      const work = run.protect(boundary, async (signal, { fence }) => {
        relay.expect();
        const tree = await this.#start(fence);
        const { pid } = tree.process;
        this.#status.set({ state: "running", pid: pid ?? null });
        const { recheckMs } = this.#options;
        const askAnew = (): Promise<unknown> => strict.check(boundary);
        const overseer = new Overseer({ tree, run, boundary, askAnew, recheckMs });
        this.#overseer = overseer;
        relay.attach(overseer);
        const byItself = await Promise.race([tree.ended.then(() => true), abortOf(signal)]);
        overseer.close();
        if (!byItself && run.stopped !== undefined) this.#tellOfStop(run.stopped);
        const outcome = { ...(await tree.end(this.#options.graceMs)), byItself };
        if (outcome.left.length === 0) return outcome;
        stuck.resolve(outcome);
        // Whoever waits for the end of this body must not be told that it has come.
        return new Promise<never>(() => undefined);
      });
      const outcome = await Promise.race([work, stuck.promise]);
      if (outcome.left.length > 0) return this.#fail(outcome.left);
      const { stopped } = run;
      // What is to be said of the end is said in this turn.
      await setImmediate();
      await guard.close();
      return this.#finish(outcome, stopped);
    } catch (error) {
      return await this.#explain(error, run.stopped);
    } finally {
      relay.close();
    }
  }

  #start(fence: number | undefined): ReturnType<PreparedTree["start"]> {
    this.#hasStarted = true;
    const { program, env, isIsolated } = this.#options;
    return this.#prepared.start({
      ...(isIsolated ? isolated(program) : program),
      env: fence === undefined ? env : { ...env, MACHINEID_FENCE: String(fence) },
      stdio: "inherit",
      isWrapped: isIsolated,
    });
  }

  #hear(event: GuardEvent): void {
    if (event.type === "status" && event.to === "blind") this.#overseer?.doubt();
    this.#options.onEvent?.(event);
  }

  #tellOfStop(error: ExecutionStoppedError): void {
    this.#status.set({ state: "stopping", code: error.code, request_id: error.requestId ?? null });
    say(`${describe(error)}: the program is ended`);
  }

  #finish(outcome: Outcome, stopped: ExecutionStoppedError | undefined): number {
    if (outcome.byItself) {
      const exitCode = exitCodeOf(outcome);
      this.#status.set({ state: "exited", exit_code: exitCode });
      return exitCode;
    }
    return stopped === undefined ? this.#interrupted() : this.#refused(stopped);
  }

  /** Nothing was started, or it could not be. */
  async #explain(error: unknown, stopped: ExecutionStoppedError | undefined): Promise<number> {
    await this.#prepared.cancel();
    if (stopped !== undefined && !this.#hasStarted) {
      say(`${describe(stopped)}: the program was not started${mendOf(stopped)}`);
      return this.#refused(stopped);
    }
    if (this.#interruptedBy !== undefined) return this.#interrupted();
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    const exitCode = code === undefined ? undefined : NOT_STARTED[code];
    if (exitCode === undefined || code === undefined) throw error;
    const { command } = this.#options.program;
    const why = code === "ENOENT" ? "it was not found" : "it may not be executed";
    say(`${printable(command)} could not be started: ${why}`);
    this.#status.set({ state: "failed", code, exit_code: exitCode });
    return exitCode;
  }

  #refused(error: ExecutionStoppedError): number {
    const { code, requestId } = error;
    const state = stateOf(error);
    const exitCode = EXIT[state === "failed" ? "error" : state];
    this.#status.set({ state, code, request_id: requestId ?? null, exit_code: exitCode });
    return exitCode;
  }

  #interrupted(): number {
    const name = this.#interruptedBy ?? "SIGTERM";
    const exitCode = 128 + constants.signals[name];
    this.#status.set({ state: "failed", code: "INTERRUPTED", exit_code: exitCode });
    return exitCode;
  }

  #fail(left: readonly number[]): number {
    say(`These processes could not be ended, as another user's cannot: ${left.join(", ")}`);
    this.#status.set({ state: "failed", code: "PROCESSES_LEFT", exit_code: EXIT.error });
    return EXIT.error;
  }
}

/** What shells end with when a program cannot be started. */
const NOT_STARTED: Readonly<Partial<Record<string, number>>> = { ENOENT: 127, EACCES: 126 };

const say = (text: string): void => printError(`machineid: exec: ${text}`);

function stateOf(error: ExecutionStoppedError): "denied" | "unavailable" | "failed" {
  if (ExecutionDeniedError.isInstance(error)) return "denied";
  return AuthorityUnavailableError.isInstance(error) ? "unavailable" : "failed";
}

function describe(error: ExecutionStoppedError): string {
  const serverCode = AuthorityUnavailableError.isInstance(error) ? error.serverCode : undefined;
  const request = error.requestId === undefined ? [] : [`request ${error.requestId}`];
  const details = [...(serverCode === undefined ? [] : [serverCode]), ...request];
  const more = details.length === 0 ? "" : ` (${details.join(", ")})`;
  return printable(`${stateOf(error)}, ${error.code}${more}`);
}

function mendOf({ code }: ExecutionStoppedError): string {
  if (code === "DEVICE_NOT_REGISTERED") return ". Register the device, or add --register";
  if (code === "DEVICE_REVOKED") return ". Only machineid unrevoke restores it";
  return ". machineid doctor looks closer";
}

const exitCodeOf = ({ code, signal }: ProcessEnd): number =>
  signal === null ? (code ?? EXIT.error) : 128 + constants.signals[signal];

/** Resolves with false when the signal aborts. */
const abortOf = (signal: AbortSignal): Promise<false> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener("abort", () => resolve(false), { once: true });
  });
