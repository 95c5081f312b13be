import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { startWatchdog } from "./watchdog.ts";

export interface ProcessTreeOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  readonly stdio: StdioOptions;
}

/** How a process ended: by itself, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program, and whatever it starts. */
export interface ProcessTree {
  /** The program itself. */
  readonly process: ChildProcess;
  /** Resolves when the program itself has ended. */
  readonly ended: Promise<ProcessEnd>;
  /**
   * Ends all of it: SIGTERM to the program's group, and SIGKILL to everything
   * that is left of it when the program has ended, or after `graceMs`. Resolves
   * when nothing is left.
   */
  end(graceMs: number): Promise<ProcessEnd>;
}

/** What all processes of a tree have in their environment. */
const MARKER = "MACHINEID_PROCESS_TREE";

/**
 * Starts a program such that nothing of it outlives this process, however this
 * process ends: a watchdog of its own ends the tree then. On Linux that covers
 * processes that left the program's group; elsewhere the group alone.
 *
 * @throws the error of the system when the program cannot be started
 */
export async function startProcessTree(options: ProcessTreeOptions): Promise<ProcessTree> {
  const { command, args, cwd, stdio } = options;
  const marker = randomUUID();
  // First, so that there is no moment in which the program has no watchdog.
  const watchdog = await startWatchdog(`${MARKER}=${marker}`);
  const child = spawn(command, args, {
    cwd,
    stdio,
    env: { ...options.env, [MARKER]: marker },
    // A group of its own, which can be ended as one.
    detached: process.platform !== "win32",
  });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    await watchdog.finish();
    throw error;
  }
  // Whoever supervises it is told by its end.
  child.on("error", () => undefined);
  watchdog.watch(child.pid);
  let ending: Promise<ProcessEnd> | undefined;
  const end = async (graceMs: number): Promise<ProcessEnd> => {
    signalGroup(child, "SIGTERM");
    const timeout = delay(graceMs);
    await Promise.race([ended, timeout.done]);
    timeout.cancel();
    signalGroup(child, "SIGKILL");
    await watchdog.finish();
    return ended;
  };
  return { process: child, ended, end: (graceMs) => (ending ??= end(graceMs)) };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch {
    // It has ended already.
  }
}

function delay(ms: number): { readonly done: Promise<void>; readonly cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { done: promise, cancel: () => clearTimeout(timer) };
}
