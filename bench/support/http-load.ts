import { connect } from "node:net";
import type { Socket } from "node:net";
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
}

/** What came of a load. */
export interface LoadReport {
  readonly requestsPerSecond: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

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
  readonly latencies: number[] = [];
  answered = 0;
  #length = 0;
  #received = 0;
  #sentAt = 0;
  #running = true;

  constructor(order: LoadOrder, body: string) {
    this.#request = requestBytes(order, body);
    this.#expect = order.expect;
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

  #receive(chunk: Buffer): void {
    if (this.#length === 0) this.#length = answerLength(chunk, this.#expect);
    this.#received += chunk.length;
    if (this.#received < this.#length) return;
    if (this.#received > this.#length) throw new Error("answers differ in length");
    this.#received = 0;
    if (this.#running) {
      this.answered += 1;
      if (this.answered % 16 === 0) this.latencies.push(performance.now() - this.#sentAt);
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
  const latencies = open.flatMap((connection) => connection.latencies).toSorted((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0) * 1_000;
  return { requestsPerSecond: answered / seconds, p50: at(0.5), p99: at(0.99) };
}

await serveParent(load);
process.exit(0);
