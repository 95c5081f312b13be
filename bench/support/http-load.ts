import { connect } from "node:net";
import type { Socket } from "node:net";
import { sharedNow } from "./authority-calls.ts";
import { quantile } from "./compare.ts";
import { serveParent } from "./process.ts";

/** What to send, and for how long. */
export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly milliseconds: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One body per connection, in turns. */
  readonly bodies: readonly string[];
  /** What every answer contains. */
  readonly expect: string;
  /** Of every how many requests its latency is noted. @default 16 */
  readonly sampled?: number;
}

/** When a request was answered, by the clock that processes share, and how long that took. */
export interface LoadSample {
  readonly atMs: number;
  readonly latencyMs: number;
}

/** What came of a load. */
export interface LoadReport {
  readonly requestsPerSecond: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  /** When a request was answered and how long it took, of those that `sampled` asked for. */
  readonly samples?: readonly LoadSample[];
}

const SAMPLED = 16;

/*
 * A load generator that costs next to nothing: request bytes are made once, and
 * answers, all of one length, are counted by their bytes.
 */

function requestBytes({ port, path, headers }: LoadOrder, body: string): Buffer {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${fields.join("")}` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function answerLength(chunk: Buffer, expect: string): number {
  const text = chunk.toString("latin1");
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  const head = text.indexOf("\r\n\r\n");
  if (!text.startsWith("HTTP/1.1 200 ") || length === undefined || !text.includes(expect)) {
    throw new Error(`unexpected answer: ${text}`);
  }
  return head + 4 + Number(length);
}

class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #expect: string;
  readonly #sampled: number;
  readonly samples: LoadSample[] = [];
  answered = 0;
  #length = 0;
  #received = 0;
  #sentAt = 0;
  #running = true;

  constructor(order: LoadOrder, body: string) {
    this.#request = requestBytes(order, body);
    this.#expect = order.expect;
    this.#sampled = order.sampled ?? SAMPLED;
    this.#socket = connect(order.port, "127.0.0.1", () => this.#send());
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk) => this.#receive(chunk));
  }

  stop(): void {
    this.#running = false;
  }

  #send(): void {
    this.#sentAt = performance.now();
    this.#socket.write(this.#request);
  }

  #note(): void {
    this.samples.push({ atMs: sharedNow(), latencyMs: performance.now() - this.#sentAt });
  }

  #receive(chunk: Buffer): void {
    if (this.#length === 0) this.#length = answerLength(chunk, this.#expect);
    this.#received += chunk.length;
    if (this.#received < this.#length) return;
    if (this.#received > this.#length) throw new Error("answers differ in length");
    this.#received = 0;
    if (this.#running) {
      this.answered += 1;
      if (this.answered % this.#sampled === 0) this.#note();
      this.#send();
      return;
    }
    answerLength(chunk, this.#expect);
    this.#socket.destroy();
  }
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const started = performance.now();
  const open = Array.from({ length: order.connections }, (_, place) => {
    const body = order.bodies[place % order.bodies.length];
    if (body === undefined) throw new Error("no bodies to send");
    return new Connection(order, body);
  });
  await new Promise((resolve) => {
    setTimeout(resolve, order.milliseconds);
  });
  const seconds = (performance.now() - started) / 1_000;
  for (const connection of open) connection.stop();
  const answered = open.reduce((sum, connection) => sum + connection.answered, 0);
  const samples = open.flatMap((connection) => connection.samples);
  const latencies = samples.map(({ latencyMs }) => latencyMs);
  return {
    requestsPerSecond: answered / seconds,
    p50: quantile(latencies, 0.5) * 1_000,
    p99: quantile(latencies, 0.99) * 1_000,
    ...(order.sampled === undefined ? {} : { samples }),
  };
}

await serveParent(load);
process.exit(0);
