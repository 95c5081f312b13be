import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError, EXIT } from "../exit-code.ts";
import { startProcessTree } from "../process-tree/process-tree.ts";
import type { ProcessTree } from "../process-tree/process-tree.ts";
import { oneLine } from "../report-error.ts";
import type { CanaryNews } from "./canary.ts";
import { SideEffects } from "./side-effects.ts";
import type { SideEffect } from "./side-effects.ts";

export interface CanaryProcessOptions {
  readonly deviceId: string;
  readonly orgKey: string;
  readonly baseUrl: string;
  readonly allowInsecureHttp: boolean;
  readonly timeoutMs: number;
  /** Asks before every side effect; works under a lease otherwise. */
  readonly isStrict: boolean;
  /** For its side effects. */
  readonly file: string;
}

/** How long it may take to say something, besides what the authority takes, in milliseconds. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 20;
/** How long it may take to leave. */
const LEAVE_MS = 2000;

/** A canary in a process of its own, which ends with this one. */
export class CanaryProcess implements AsyncDisposable {
  readonly #tree: ProcessTree;
  readonly #news: AsyncIterator<string>;
  readonly #sideEffects: SideEffects;
  #said = "";

  private constructor(tree: ProcessTree, file: string) {
    this.#tree = tree;
    this.#sideEffects = new SideEffects(file);
    const { stdout, stderr } = tree.process as { stdout: Readable; stderr: Readable };
    this.#news = createInterface({ input: stdout })[Symbol.asyncIterator]();
    stderr.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
  }

  static async start(options: CanaryProcessOptions): Promise<CanaryProcess> {
    const { deviceId, orgKey, baseUrl, allowInsecureHttp, isStrict, timeoutMs, file } = options;
    const flags = [
      ...(allowInsecureHttp ? ["--allow-insecure-http"] : []),
      ...(isStrict ? ["--strict"] : []),
    ];
    const args = ["canary", ...flags, "--timeout-ms", String(timeoutMs), "--", deviceId, file];
    const tree = await startProcessTree({
      command: process.execPath,
      args: [process.argv[1] ?? "", ...args],
      env: { ...process.env, MACHINEID_ORG_KEY: orgKey, MACHINEID_BASE_URL: baseUrl },
      stdio: ["pipe", "pipe", "pipe"],
    });
    return new CanaryProcess(tree, file);
  }

  /**
   * Begins a run, as soon as it is restored.
   *
   * @throws {@link CommandError} when it does not come to work
   */
  async begin(signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      this.#tree.process.stdin?.write("run\n");
      const news = await this.#hear(signal);
      if (news.type === "beating") return;
      if (news.code !== "DEVICE_REVOKED" || performance.now() > deadlineMs)
        throw neverBegan(news.code);
      // A restore reaches it a moment later.
      await delay(RETRY_MS);
    }
  }

  /** Resolves when its run was stopped. */
  async stopped(signal: AbortSignal): Promise<void> {
    await this.#hear(signal);
  }

  /** What it has left since this was asked before. */
  sideEffects(): readonly SideEffect[] {
    return this.#sideEffects.readNew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It gives up its lease, and ends; the next drill does not find it as a holder that was lost.
    this.#tree.process.stdin?.end();
    await Promise.race([this.#tree.ended, delay(LEAVE_MS, undefined, { ref: false })]);
    await this.#tree.end(0);
  }

  async #hear(signal: AbortSignal): Promise<CanaryNews> {
    const line = await Promise.race([this.#news.next(), silence(signal)]);
    if (line === undefined || line.done === true) {
      signal.throwIfAborted();
      const why = line === undefined ? "it says nothing" : oneLine(this.#said) || "it has ended";
      throw new CommandError(`The canary failed: ${why}`, {
        exitCode: EXIT.error,
        code: "CANARY_FAILED",
      });
    }
    return JSON.parse(line.value) as CanaryNews;
  }
}

function neverBegan(code: string): CommandError {
  return new CommandError(
    `The canary does not come to work: ${code}. machineid doctor looks closer`,
    {
      exitCode: EXIT.unavailable,
      code,
    },
  );
}

/** Resolves when it has lasted too long, or the signal aborts. */
function silence(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS, undefined);
    timer.unref();
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
