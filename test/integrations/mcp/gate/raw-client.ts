import { once } from "node:events";
import { EventEmitter } from "node:events";
import type { Message, RequestId } from "../../../../integrations/mcp/gate/message.ts";
import type { AnyTransport, Transport } from "../../../../integrations/mcp/gate/transport.ts";

/** Answers of a client to what a server asks. */
type Answers = Readonly<Record<string, (message: Message) => unknown>>;

/** A client that says exactly what a test says, and keeps what it is told. */
export class RawClient {
  readonly received: Message[] = [];
  readonly #transport: Transport;
  readonly #answers: Answers;
  readonly #events = new EventEmitter();
  #nextId = 100;
  isClosed = false;

  constructor(transport: AnyTransport, answers: Answers = {}) {
    this.#transport = transport as Transport;
    this.#answers = answers;
  }

  /** Listens to what comes. */
  listen(): void {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- callbacks, no event target
    this.#transport.onmessage = (message) => this.#receive(message);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- callbacks, no event target
    this.#transport.onclose = () => {
      this.isClosed = true;
      this.#events.emit("change");
    };
  }

  /** Connects, and shakes hands. */
  async open(capabilities: object = {}): Promise<Message> {
    this.listen();
    await this.#transport.start();
    const answer = await this.ask("initialize", {
      protocolVersion: "2025-06-18",
      capabilities,
      clientInfo: { name: "raw", version: "1" },
    });
    this.#transport.setProtocolVersion?.("2025-06-18");
    await this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  async ask(method: string, params: object = {}, id: RequestId = this.#nextId++): Promise<Message> {
    const answered = this.answerTo(id);
    await this.send({ jsonrpc: "2.0", id, method, params: { ...params } });
    return answered;
  }

  /** The answer to a request, now or later. */
  answerTo(id: RequestId): Promise<Message> {
    return this.until((message) => message.id === id && message.method === undefined);
  }

  async until(isIt: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.received.find((message) => isIt(message));
      if (found !== undefined) return found;
      await once(this.#events, "change");
    }
  }

  async untilClosed(): Promise<void> {
    while (!this.isClosed) await once(this.#events, "change");
  }

  send(message: unknown): Promise<void> {
    return this.#transport.send(message as Message);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #receive(message: Message): void {
    this.received.push(message);
    this.#events.emit("change");
    const { id, method } = message;
    const answer = this.#answers[method ?? ""];
    if (method === undefined || id === undefined || answer === undefined) return;
    this.send({ jsonrpc: "2.0", id, result: answer(message) }).catch(() => undefined);
  }
}
