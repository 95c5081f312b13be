import { randomBytes, randomUUID } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { sharedNow } from "./authority-calls.ts";
import { serveParent } from "./process.ts";

/*
 * Many lease channels that cost next to nothing: no more of a WebSocket than it takes
 * to hold a lease, to see a stop, and to acknowledge it. Each does what a guard with
 * nothing running does, at the same moments.
 */

/** What a fleet is told to do. */
export type FleetOrder =
  | {
      readonly order: "open";
      readonly port: number;
      readonly key: string;
      readonly devices: readonly string[];
    }
  /** Answered at once: stops are counted from here on. */
  | { readonly order: "arm" }
  /** Answered when all have been stopped since. */
  | { readonly order: "stopped" }
  /** Answered when all hold leases again: each asks when it is told of `allow`. */
  | { readonly order: "leased" };

/** What a fleet saw of a stop, by the clock that processes share, in milliseconds. */
export interface FleetStopped {
  readonly firstMs: number;
  readonly lastMs: number;
}

const MASK = randomBytes(4);
const TYPE_AT = '{"type":"'.length;
const STOP = "s".charCodeAt(0);
const ALLOW = "a".charCodeAt(0);
const GRANT = "g".charCodeAt(0);

/** A text frame of a client. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? [0x81, 0x80 | payload.length]
      : [0x81, 0x80 | 126, payload.length >> 8, payload.length & 255];
  payload.forEach((byte, at) => {
    payload[at] = byte ^ (MASK[at & 3] ?? 0);
  });
  return Buffer.concat([Buffer.from(head), MASK, payload]);
}

const NOTHING = Buffer.alloc(0);
const shared = Buffer.alloc(64 * 1024);

class Channel {
  readonly #socket: Socket;
  readonly #device: string;
  #isOpen = false;
  #rest = NOTHING;
  #n = 0;

  constructor(port: number, key: string, device: string) {
    this.#device = device;
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
      throw new Error(`the channel of ${device} was closed`);
    });
  }

  renew(): void {
    this.#n += 1;
    this.#send(`{"type":"renew","n":${this.#n}}`);
  }

  #send(text: string): void {
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
      const devices = [this.#device];
      this.#send(JSON.stringify({ type: "hello", session: randomUUID(), devices }));
      this.renew();
    }
    for (;;) {
      const length =
        (data[1] ?? 0) === 126 ? (data.length < 4 ? 0 : data.readUInt16BE(2)) : data[1];
      const from = (data[1] ?? 0) === 126 ? 4 : 2;
      if (length === undefined || data.length < from + length) break;
      this.#take(data, from, from + length);
      data = data.subarray(from + length);
    }
    // Copied, for the buffer is everybody's.
    this.#rest = data.length === 0 ? NOTHING : Buffer.from(data);
  }

  #take(data: Buffer, from: number, to: number): void {
    if ((data[0] ?? 0) !== 0x81) {
      if (data[0] === 0x89) this.#socket.write(Buffer.concat([Buffer.from([0x8a, 0x80]), MASK]));
      return;
    }
    const type = data[from + TYPE_AT];
    if (type === STOP) {
      stopped.one();
      const text = data.toString("latin1", from, to);
      const version = /"version":(\d+)/.exec(text)?.[1] ?? "";
      const after = Number(/"ack_after_ms":(\d+)/.exec(text)?.[1] ?? 0);
      const ack = `{"type":"ack","version":${version},"devices":["${this.#device}"],"state":"drained"}`;
      if (after === 0) this.#send(ack);
      else later(sharedNow() + after, () => this.#send(ack));
    } else if (type === GRANT) {
      if (data.indexOf('"ALLOW"', from) > 0) leased.one();
    } else if (type === ALLOW) this.renew();
  }
}

/** What is to be done when, in order: all of a stop wait equally long. */
let due: { readonly atMs: number; readonly act: () => void }[] = [];
let isWaiting = false;

function later(atMs: number, act: () => void): void {
  due.push({ atMs, act });
  if (!isWaiting) wait();
}

function wait(): void {
  const [first] = due;
  isWaiting = first !== undefined;
  if (first === undefined) return;
  setTimeout(
    () => {
      const now = sharedNow();
      const left = due.findIndex(({ atMs }) => atMs > now);
      const ripe = left < 0 ? due.splice(0) : due.splice(0, left);
      for (const { act } of ripe) act();
      wait();
    },
    Math.max(0, first.atMs - sharedNow()),
  );
}

/** Counts, until each of a fleet has done something. */
class Count {
  #counted = 0;
  #firstMs = 0;
  #lastMs = 0;
  #whenAll: (() => void) | undefined;

  arm(): void {
    this.#counted = 0;
  }

  one(): void {
    this.#counted += 1;
    if (this.#counted === 1) this.#firstMs = sharedNow();
    if (this.#counted !== fleet.length) return;
    this.#lastMs = sharedNow();
    this.#whenAll?.();
  }

  async all(): Promise<FleetStopped> {
    while (this.#counted < fleet.length) {
      await new Promise<void>((resolve) => {
        this.#whenAll = resolve;
      });
    }
    return { firstMs: this.#firstMs, lastMs: this.#lastMs };
  }
}

let fleet: Channel[] = [];
const stopped = new Count();
const leased = new Count();

const OPENED_AT_ONCE = 100;

async function open({ port, key, devices }: Extract<FleetOrder, { order: "open" }>): Promise<void> {
  for (let from = 0; from < devices.length; from += OPENED_AT_ONCE) {
    leased.arm();
    const some = devices.slice(from, from + OPENED_AT_ONCE);
    fleet = some.map((device) => new Channel(port, key, device));
    all.push(...fleet);
    await leased.all();
  }
  fleet = all;
}

const all: Channel[] = [];

await serveParent(async (message: FleetOrder) => {
  if (message.order === "open") await open(message);
  if (message.order === "arm") {
    stopped.arm();
    leased.arm();
  }
  if (message.order === "stopped") return stopped.all();
  if (message.order === "leased") await leased.all();
  return {};
});
process.exit(0);
