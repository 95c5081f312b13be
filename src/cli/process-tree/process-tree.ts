import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { findMembers } from "./members.ts";
import { findMark, refuseMissing } from "./mark.ts";
import type { Mark, StartOptions } from "./mark.ts";
import type { Member, TreeName } from "./members.ts";
import { startWatchdog } from "./watchdog.ts";
import type { Watchdog } from "./watchdog.ts";

export interface ProgramOptions extends StartOptions {
  readonly stdio: StdioOptions;
  /**
   * What is started only stands around the program, and is not to be told to end
   * while the program may end by itself. @default false
   */
  readonly isWrapped?: boolean | undefined;
}

/** How a process ended: by itself, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a tree ended. */
export interface TreeEnd extends ProcessEnd {
  /** Processes that could not be ended, as those of another user cannot; empty when all is gone. */
  readonly left: readonly number[];
}

/** A program, and whatever it starts. */
export interface ProcessTree {
  /** The program itself. */
  readonly process: ChildProcess;
  /** Resolves when the program itself has ended. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends a signal to the program's group, as a terminal does. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal to every process of the tree; never rejects. */
  signalAll(signal: NodeJS.Signals): Promise<void>;
  /**
   * Ends all of it: SIGTERM to every process of the tree, and SIGKILL to what is
   * left after `graceMs`. Resolves when nothing is left, or nothing that can be ended.
   */
  end(graceMs: number): Promise<TreeEnd>;
}

/** Everything that a tree needs before its program begins. */
export interface PreparedTree {
  /**
   * Starts the program, before it returns.
   *
   * @throws the error of the system when the program cannot be started
   */
  start(options: ProgramOptions): Promise<ProcessTree>;
  /** Lets go of what was prepared, when nothing is to be started. */
  cancel(): Promise<void>;
}

/** What all processes of a tree have in their environment: the trees that they belong to. */
const MARKER = "MACHINEID_PROCESS_TREE";
/** How often it is looked whether anything is left, in milliseconds. */
const LOOK_EVERY_MS = 50;

/**
 * Prepares to start a program such that nothing of it outlives this process,
 * however this process ends: a watchdog of its own ends the tree then. On Linux
 * that covers processes that left the program's group; elsewhere the group, and
 * those whose parents are known.
 *
 * @param env what the program is to be started with
 * @throws the error of the system when there can be no watchdog
 */
export async function prepareProcessTree(env: ProgramOptions["env"]): Promise<PreparedTree> {
  const marker = randomUUID();
  const mark = await findMark(env);
  const watchdog = await startWatchdog({ marker, digits: mark?.digits ?? "" });
  return {
    start: async (options) => {
      try {
        return await start(options, { marker, mark, watchdog });
      } catch (error) {
        await watchdog.finish();
        throw error;
      }
    },
    cancel: async () => void (await watchdog.finish()),
  };
}

/** {@link prepareProcessTree}, and the start. */
export async function startProcessTree(options: ProgramOptions): Promise<ProcessTree> {
  const prepared = await prepareProcessTree(options.env);
  return prepared.start(options);
}

interface Preparations {
  readonly marker: string;
  readonly mark: Mark | undefined;
  readonly watchdog: Watchdog;
}

async function start(
  options: ProgramOptions,
  { marker, mark, watchdog }: Preparations,
): Promise<ProcessTree> {
  const { cwd, stdio, env, isWrapped = false } = options;
  const outer = env[MARKER];
  if (mark !== undefined) refuseMissing(options);
  const { command, args } = mark?.wrap(options) ?? options;
  watchdog.expect();
  const child = spawn(command, args, {
    cwd,
    stdio,
    // Within another tree it belongs to both.
    env: { ...env, [MARKER]: outer === undefined ? marker : `${outer},${marker}` },
    // A session and group of its own, which can be ended as one.
    detached: process.platform !== "win32",
  });
  watchdog.watch(child.pid);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn");
  // Whoever supervises it is told by its end.
  child.on("error", () => undefined);
  const name = { marker, digits: mark?.digits ?? "", group: child.pid ?? 0 };
  return new Tree({ process: child, ended, name, watchdog, isWrapped });
}

interface TreeParts {
  readonly process: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  readonly name: TreeName;
  readonly watchdog: Watchdog;
  readonly isWrapped: boolean;
}

class Tree implements ProcessTree {
  readonly process: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  readonly #parts: TreeParts;
  #known: readonly Member[] = [];
  #sending: Promise<void> = Promise.resolve();
  #ending: Promise<TreeEnd> | undefined;

  constructor(parts: TreeParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.ended = parts.ended;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#parts.isWrapped) void this.signalAll(signal);
    else send(this.#group, signal);
  }

  /** In the order of the calls. */
  signalAll(signal: NodeJS.Signals): Promise<void> {
    this.#sending = this.#sending.then(() => this.#signalAll(signal));
    return this.#sending;
  }

  async #signalAll(signal: NodeJS.Signals): Promise<void> {
    const { isWrapped, name } = this.#parts;
    const members = await this.#look();
    // The group at one stroke, so that nobody forks past it, and nobody hears it twice.
    if (!isWrapped || members === undefined) send(this.#group, signal);
    for (const { pid, group } of members ?? []) {
      const isReached = isWrapped ? pid === this.process.pid : group === name.group;
      if (!isReached) send(pid, signal);
    }
  }

  end(graceMs: number): Promise<TreeEnd> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  async #end(graceMs: number): Promise<TreeEnd> {
    const deadlineMs = performance.now() + graceMs;
    await this.signalAll("SIGTERM");
    // What is stopped hears nothing.
    await this.signalAll("SIGCONT");
    while (performance.now() < deadlineMs) {
      const members = await this.#look();
      const isOver = members === undefined ? this.#hasEnded : members.length === 0;
      if (isOver) break;
      await delay(Math.min(LOOK_EVERY_MS, Math.max(deadlineMs - performance.now(), 1)));
    }
    if (await this.#parts.watchdog.finish()) return { ...(await this.ended), left: [] };
    const left = (await this.#look()) ?? [];
    const { exitCode: code, signalCode: signal } = this.process;
    return { code, signal, left: left.map(({ pid }) => pid) };
  }

  get #hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** A process id that names the whole group, where there are groups. */
  get #group(): number {
    const { group } = this.#parts.name;
    return process.platform === "win32" ? group : -group;
  }

  /** What is there now; undefined when that cannot be told, and the watchdog has to do. */
  async #look(): Promise<readonly Member[] | undefined> {
    if (process.platform === "win32") return undefined;
    try {
      this.#known = await findMembers(this.#parts.name, this.#known);
    } catch {
      return undefined;
    }
    if (this.#known.length > 0) this.#parts.watchdog.remember(this.#known);
    return this.#known;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already, or is another user's; the end says what is left.
  }
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
