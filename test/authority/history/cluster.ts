import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const REPLICA = fileURLToPath(new URL("replica.ts", import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Replicas of one authority, each a process that can be killed and started again. */
export class Cluster implements AsyncDisposable {
  readonly #databases: readonly string[];
  readonly #cacheMs: number;
  readonly #running: (Running | undefined)[];

  private constructor(databases: readonly string[], cacheMs: number) {
    this.#databases = databases;
    this.#cacheMs = cacheMs;
    this.#running = databases.map(() => undefined);
  }

  /**
   * @param databases one for each replica: the same store, reached each in its own way
   * @param cacheMs a fault: for so long each keeps its decisions
   */
  static async start(databases: readonly string[], cacheMs = 0): Promise<Cluster> {
    const cluster = new Cluster(databases, cacheMs);
    await Promise.all(databases.map((_, place) => cluster.start(place)));
    return cluster;
  }

  /** The addresses of the replicas that run. */
  get urls(): string[] {
    return this.#running.flatMap((running) => (running === undefined ? [] : [running.url]));
  }

  /** The address of a replica, which runs. */
  urlOf(place: number): string {
    const running = this.#running[place];
    if (running === undefined) throw new Error(`replica ${place} does not run`);
    return running.url;
  }

  async start(place: number): Promise<void> {
    const args = [REPLICA, this.#databases[place] ?? "", String(this.#cacheMs)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`a replica ended with ${String(code)} before it answered`);
    });
    const line = once(createInterface({ input: child.stdout }), "line");
    const [url] = (await Promise.race([line, ended])) as [string];
    ended.catch(() => undefined);
    this.#running[place] = { child, url };
  }

  /** Ends a replica as kill -9 does. */
  async kill(place: number): Promise<void> {
    const running = this.#running[place];
    this.#running[place] = undefined;
    if (running === undefined || running.child.exitCode !== null) return;
    const exited = once(running.child, "exit");
    running.child.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#databases.map((_, place) => this.kill(place)));
  }
}
