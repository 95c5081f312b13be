import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";

/*
 * A lease channel that costs next to nothing: no more of a WebSocket than it takes
 * to talk with an authority on this machine, which is not asked for compression.
 */

const MASK = randomBytes(4);
const NOTHING = Buffer.alloc(0);
/** Everybody's, for each reads what it is given before the next is. */
const shared = Buffer.alloc(64 * 1024);

const TEXT = 0x81;
const PING = 0x89;
const PONG = Buffer.concat([Buffer.from([0x8a, 0x80]), MASK]);

/** A text frame of a client. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [TEXT, 0x80 | length] : [TEXT, 0x80 | 126, length >> 8, length & 255];
  for (let at = 0; at < length; at += 1) payload[at] = (payload[at] ?? 0) ^ (MASK[at & 3] ?? 0);
  return Buffer.concat([Buffer.from(head), MASK, payload]);
}

/** What is done with a channel. */
export interface LeanChannelUser {
  opened(): void;
  /** A message came: bytes of `data`, which are good only now. */
  received(data: Buffer, from: number, to: number): void;
}

export class LeanChannel {
  readonly #socket: Socket;
  readonly #user: LeanChannelUser;
  #isOpen = false;
  #rest = NOTHING;

  constructor(port: number, key: string, user: LeanChannelUser) {
    this.#user = user;
    const onread = {
      buffer: shared,
      callback: (length: number) => {
        this.#read(shared.subarray(0, length));
        return true;
      },
    };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread }, () => {
      this.#socket.write(
        `GET /api/v1/leases HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-org-key: ${key}\r\n` +
          "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
          `sec-websocket-key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
      );
    });
    this.#socket.on("close", () => {
      throw new Error("a channel was closed");
    });
  }

  /** Sends a message of less than 64 KiB. */
  send(text: string): void {
    this.#socket.write(frameOf(text));
  }

  #read(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) {
      const end = data.indexOf("\r\n\r\n");
      if (!data.toString("latin1", 0, 12).startsWith("HTTP/1.1 101")) {
        throw new Error(data.toString("latin1"));
      }
      if (end < 0) throw new Error("the handshake came in parts");
      data = data.subarray(end + 4);
      this.#isOpen = true;
      this.#user.opened();
    }
    for (;;) {
      const length =
        (data[1] ?? 0) === 126 ? (data.length < 4 ? 0 : data.readUInt16BE(2)) : data[1];
      const from = (data[1] ?? 0) === 126 ? 4 : 2;
      if (length === undefined || data.length < from + length) break;
      if (data[0] === TEXT) this.#user.received(data, from, from + length);
      else if (data[0] === PING) this.#socket.write(PONG);
      data = data.subarray(from + length);
    }
    // Copied, for the buffer is everybody's.
    this.#rest = data.length === 0 ? NOTHING : Buffer.from(data);
  }
}
