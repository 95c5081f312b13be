import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { leaseAnswerSchema } from "../../src/wire/index.ts";
import type { LeaseAnswer, LeaseRequest } from "../../src/wire/index.ts";

type Of<Type extends LeaseAnswer["type"]> = Extract<LeaseAnswer, { type: Type }>;

/** A lease channel by hand: it says and acknowledges only what a test tells it to. */
export class LeaseClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly session: string;
  readonly received: LeaseAnswer[] = [];
  /** Close code and reason, once it is closed. */
  closed: readonly [number, string] | undefined;
  n = 0;
  #wake: (() => void)[] = [];

  private constructor(socket: WebSocket, session: string) {
    this.socket = socket;
    this.session = session;
    socket.on("message", (data: Buffer) => {
      this.received.push(leaseAnswerSchema.parse(JSON.parse(data.toString())));
      this.#news();
    });
    socket.on("close", (code, reason) => {
      this.closed = [code, reason.toString()];
      this.#news();
    });
    socket.on("error", () => undefined);
  }

  static async open(
    url: string,
    key: string | undefined,
    { session = randomUUID(), headers = {} }: { session?: string; headers?: object } = {},
  ): Promise<LeaseClient> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/v1/leases`, {
      headers: { ...(key === undefined ? {} : { "x-org-key": key }), ...headers },
      rejectUnauthorized: false,
    });
    const client = new LeaseClient(socket, session);
    await once(socket, "open");
    return client;
  }

  /** Opens, says hello, and waits for its first grant. */
  static async holding(
    url: string,
    key: string,
    devices: readonly string[],
    options: { session?: string } = {},
  ): Promise<LeaseClient> {
    const client = await LeaseClient.open(url, key, options);
    client.hello(devices);
    await client.renew();
    return client;
  }

  send(message: LeaseRequest): void {
    this.socket.send(JSON.stringify(message));
  }

  hello(devices: readonly string[], key?: string): void {
    const { session } = this;
    const more = key === undefined ? {} : { key };
    this.send({ type: "hello", session, devices: [...devices], ...more });
  }

  async renew(): Promise<Of<"grant">> {
    this.n += 1;
    const { n } = this;
    this.send({ type: "renew", n });
    return this.next("grant", (grant) => grant.n === n);
  }

  async check(devices: readonly string[]): Promise<Of<"decision">> {
    this.n += 1;
    const { n } = this;
    this.send({ type: "check", n, devices: [...devices] });
    return this.next("decision", (decision) => decision.n === n);
  }

  ack(version: number, devices: readonly string[], state: "fenced" | "drained"): void {
    this.send({ type: "ack", version, devices: [...devices], state });
  }

  /** The first answer of a type, past or to come, that fits. */
  async next<Type extends LeaseAnswer["type"]>(
    type: Type,
    fits: (answer: Of<Type>) => boolean = () => true,
  ): Promise<Of<Type>> {
    for (;;) {
      const found = this.received.find(
        (answer): answer is Of<Type> => answer.type === type && fits(answer as Of<Type>),
      );
      if (found !== undefined) return found;
      if (this.closed !== undefined) throw new Error(`closed: ${this.closed.join(" ")}`);
      await this.#change();
    }
  }

  async close(): Promise<readonly [number, string]> {
    while (this.closed === undefined) await this.#change();
    return this.closed;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #news(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    return Promise.resolve();
  }
}
