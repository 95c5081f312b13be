import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Transform } from "node:stream";

/** Stands between two sides, and can fail as a network does. */
export class TcpProxy implements AsyncDisposable {
  /** Where new connections lead. */
  targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #links = new Set<Transform>();
  #lateMs = 0;
  #isFrozen = false;
  /** Answers that are held back, when they are. */
  #held: (() => void)[] | undefined;

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer((near) => {
      const far = connect(this.targetPort, "127.0.0.1");
      this.#join(near, far);
      this.#join(far, near, () => this.#held);
    });
  }

  static async open(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on each piece of data is late, by up to so many milliseconds. */
  setLate(milliseconds: number): void {
    this.#lateMs = milliseconds;
  }

  /** Holds back every answer from now on, until the function it returns is called. Questions pass. */
  holdAnswers(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = undefined;
      for (const pass of held) pass();
    };
  }

  /** How many connections wait for an answer that is held back. */
  get holding(): number {
    return this.#held?.length ?? 0;
  }

  /** Ends all connections, and tells both sides. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Lets nothing through any more on the connections that are open, and tells
   * neither side: each believes that the other is only slow. New ones work.
   */
  cutHalfOpen(): void {
    for (const link of this.#links) link.unpipe();
  }

  /** Lets nothing through at all: connections can be made, and are never answered. */
  freeze(): void {
    this.#isFrozen = true;
    this.cutHalfOpen();
  }

  /** Lets new connections work again. */
  thaw(): void {
    this.#isFrozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }

  #join(socket: Socket, other: Socket, heldBy: () => (() => void)[] | undefined = none): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    const link = new Transform({
      transform: (chunk: Buffer, _encoding, pass) => {
        const held = heldBy();
        if (held !== undefined) held.push(() => pass(null, chunk));
        else if (this.#lateMs === 0) pass(null, chunk);
        else setTimeout(pass, Math.random() * this.#lateMs, null, chunk);
      },
    });
    this.#links.add(link);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#links.delete(link);
      other.destroy();
    });
    socket.pipe(link);
    if (!this.#isFrozen) link.pipe(other);
  }
}

const none = (): undefined => undefined;
