import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Body } from "./fleet-history.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

/** What a worker is told. */
export interface WorkerOrder {
  readonly baseUrl: string;
  readonly orgKey: string;
  readonly logFile: string;
  readonly deviceIds: readonly string[];
  readonly fault: "none" | "deaf";
}

/** A process with agents in it. */
export class WorkerProcess implements AsyncDisposable {
  readonly order: WorkerOrder;
  readonly #child: ChildProcess;

  private constructor(order: WorkerOrder, child: ChildProcess) {
    this.order = order;
    this.#child = child;
  }

  /** Resolves when each of its agents has begun something. */
  static async start(order: WorkerOrder): Promise<WorkerProcess> {
    const child = spawn(process.execPath, [WORKER, JSON.stringify(order)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(createInterface({ input: child.stdout }), "line");
    return new WorkerProcess(order, child);
  }

  /** Keeps it from running, as a debugger or a hypervisor may, until it is {@link thaw}ed. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** What its agents did. Ends it. */
  async bodies(): Promise<Body[]> {
    await this[Symbol.asyncDispose]();
    const ends = new Map<string, bigint>();
    const begun: Omit<Body, "endedAt">[] = [];
    for (const line of readFileSync(this.order.logFile, "utf8").trimEnd().split("\n")) {
      const [what, deviceId = "", at = "0", rest = "0"] = line.split(" ");
      if (what === "end") ends.set(`${deviceId} ${rest}`, BigInt(at));
      else if (what === "begin") begun.push({ deviceId, begunAt: BigInt(at), fence: Number(rest) });
    }
    return begun.map((body) => ({
      ...body,
      endedAt: ends.get(`${body.deviceId} ${body.begunAt}`),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
