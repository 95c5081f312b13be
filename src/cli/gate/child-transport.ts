import type { Readable, Writable } from "node:stream";
import { startProcessTree } from "../process-tree/process-tree.ts";
import type { ProcessEnd, ProcessTree } from "../process-tree/process-tree.ts";
import { LineTransport } from "./line-transport.ts";

/** A server that is started for one client. */
export interface ChildServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How long a server may take to end by itself once its stdin has ended, in milliseconds. */
const END_BY_ITSELF_MS = 1000;
/** How long it may take after SIGTERM. */
const END_BY_SIGNAL_MS = 1000;

/** A server in a process of its own, spoken to over its stdin and stdout. */
export class ChildTransport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: unknown) => unknown) | undefined;
  readonly #options: ChildServerOptions;
  #tree: ProcessTree | undefined;
  #lines: LineTransport | undefined;
  #closing: Promise<void> | undefined;
  #isTold = false;
  #end: ProcessEnd | undefined;

  constructor(options: ChildServerOptions) {
    this.#options = options;
  }

  /** How the server ended by itself; undefined when it was told to. */
  get endedBy(): ProcessEnd | undefined {
    return this.#end;
  }

  /** @throws the error of the system when the server cannot be started */
  async start(): Promise<void> {
    const tree = await startProcessTree({ ...this.#options, stdio: ["pipe", "pipe", "inherit"] });
    const { stdin, stdout } = tree.process as { stdin: Writable; stdout: Readable };
    const lines = new LineTransport({ input: stdout, output: stdin, answersErrors: false });
    this.#tree = tree;
    this.#lines = lines;
    // oxlint-disable unicorn/prefer-add-event-listener -- callbacks, no event targets
    lines.onmessage = (message) => this.onmessage?.(message);
    lines.onerror = (error) => this.onerror?.(error);
    // What it said last is read before its end is told.
    lines.onend = () => void this.#shut();
    lines.onclose = () => void this.#shut();
    // oxlint-enable unicorn/prefer-add-event-listener
    await lines.start();
    void this.#noteEnd(tree);
  }

  async #noteEnd({ ended }: ProcessTree): Promise<void> {
    const end = await ended;
    if (!this.#isTold) this.#end = end;
    // A child of its own may hold its stdout open for ever.
    setTimeout(() => void this.#shut(), END_BY_ITSELF_MS).unref();
  }

  async send(message: unknown): Promise<void> {
    if (this.#lines === undefined) throw new Error("The server was not started");
    await this.#lines.send(message);
  }

  /** Ends the server and all that it started; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#isTold = true;
    await this.#shut();
  }

  #shut(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const tree = this.#tree;
    if (tree !== undefined) {
      tree.process.stdin?.end();
      const waited = new AbortController();
      await Promise.race([tree.ended, delay(END_BY_ITSELF_MS, waited.signal)]);
      waited.abort();
      await tree.end(END_BY_SIGNAL_MS);
    }
    this.onclose?.();
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
