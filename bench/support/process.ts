import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A script in a process of its own, spoken to in lines of JSON. */
export interface Peer extends AsyncDisposable {
  /** Sends a message, and waits for the line that answers it. */
  ask<Answer>(message: unknown): Promise<Answer>;
  /** Waits for the line that the script says of itself. */
  hear<Answer>(): Promise<Answer>;
}

const canPin =
  availableParallelism() > 1 && spawnSync("taskset", ["-V"], { stdio: "ignore" }).status === 0;

/** Whether processes are kept to the core they are given. */
export const isPinned = (): boolean => canPin;

/**
 * Starts a script of this folder.
 *
 * @param cores the processor cores it is kept to, where `taskset` exists
 */
export function startPeer(
  script: string,
  cores: number | readonly number[],
  args: readonly string[] = [],
): Peer {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [process.execPath, path, ...args];
  const [program = "", ...rest] = canPin ? ["taskset", "-c", String(cores), ...command] : command;
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function hear<Answer>(): Promise<Answer> {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${script} ended`);
    return JSON.parse(line.value) as Answer;
  }
  return {
    hear,
    ask(message) {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      return hear();
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}

/** The other side of {@link startPeer}: answers each message until the parent lets go. */
export async function serveParent(answer: (message: never) => unknown): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    say(await answer(JSON.parse(line) as never));
  }
}

/** Says one line of JSON to the parent. */
export function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
