import type { Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { MonotonicClock } from "./clock.ts";
import type { SessionConnection } from "./held-session.ts";

/** Why a connection is closed, as WebSocket close codes. 4000 and up: the HTTP status that it would be. */
export const CLOSE = {
  goingAway: 1001,
  malformed: 4400,
  keyInvalid: 4401,
  forbidden: 4403,
  late: 4408,
  tooMany: 4429,
  storeUnavailable: 4503,
} as const;

export interface ChannelSocketOptions {
  readonly socket: WebSocket;
  /** What the socket writes its frames to. */
  readonly stream: Writable;
  readonly clock: MonotonicClock;
  /** A peer that reads no faster than this many bytes wait for it is cut off. */
  readonly maxBufferedBytes: number;
  /** A whole message arrived. */
  readonly onMessage: (text: string) => void;
  readonly onClose: (why: "closed" | "cut_off") => void;
}

/** Silent for so long, a peer is asked whether it lives; and after twice that, it does not. */
const SILENCE_MS = 7_500;

/** One WebSocket, as a session needs it: it never buffers without bound. */
export class ChannelSocket implements SessionConnection {
  readonly #options: ChannelSocketOptions;
  #heardAt: number;
  #why: "closed" | "cut_off" = "closed";
  #isOver = false;

  constructor(options: ChannelSocketOptions) {
    this.#options = options;
    const { socket, clock } = options;
    this.#heardAt = clock();
    const heard = (): void => {
      this.#heardAt = clock();
    };
    socket.on("ping", heard);
    socket.on("pong", heard);
    socket.on("message", (data: RawData, isBinary: boolean) => {
      heard();
      if (this.#isOver) return;
      if (isBinary) this.close(CLOSE.malformed, "messages are text");
      else options.onMessage((data as Buffer).toString("utf8"));
    });
    // The close event follows.
    socket.on("error", () => this.cut());
    socket.on("close", () => {
      this.#isOver = true;
      options.onClose(this.#why);
    });
  }

  get isOpen(): boolean {
    const { socket } = this.#options;
    return !this.#isOver && socket.readyState === socket.OPEN;
  }

  send(text: string): void {
    if (this.#isWritable()) this.#options.socket.send(text, ignore);
  }

  /** What many are sent goes around the socket, which would frame it for each. It writes no frame in parts. */
  push(frame: Buffer): void {
    if (this.#isWritable()) this.#options.stream.write(frame);
  }

  /** Ends it at once. */
  cut(): void {
    this.#isOver = true;
    this.#options.socket.terminate();
  }

  /** Says why, and ends it. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.socket.close(code, reason);
  }

  pause(): void {
    if (this.isOpen) this.#options.socket.pause();
  }

  resume(): void {
    this.#options.socket.resume();
  }

  /** Whoever does not read what was sent is sent no more. */
  #isWritable(): boolean {
    const { stream, maxBufferedBytes } = this.#options;
    if (!this.isOpen) return false;
    if (stream.writableLength <= maxBufferedBytes) return true;
    this.#why = "cut_off";
    this.cut();
    return false;
  }

  /** Asks a silent peer whether it lives, and ends the connection to one that does not. */
  look(now: number): void {
    const silentMs = now - this.#heardAt;
    if (silentMs > 2 * SILENCE_MS) this.cut();
    else if (silentMs > SILENCE_MS && this.isOpen)
      this.#options.socket.ping(undefined, undefined, ignore);
  }
}

const ignore = (): void => undefined;
