import type { ClientOptions, WebSocket as NodeWebSocket } from "ws";

/** What a lease channel tells whoever opened it. */
export interface ChannelHandlers {
  /** It is open; `send` never throws, and does nothing once the channel is closed. */
  opened(send: (text: string) => void): void;
  received(text: string): void;
  /** It is over, or could not be opened. Called once. */
  closed(reason?: unknown): void;
}

/** A lease channel that is open, or about to be. */
export interface Channel {
  /** Ends it at once, whatever the other side does. */
  close(): void;
}

export interface ChannelTarget {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Nothing heard for so long: the connection is given up, however open it looks. */
const SILENCE_MS = 15_000;
const PING_MS = 5000;
const MAX_FRAME_BYTES = 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * Opens a lease channel by `ws`, which is loaded only now. Keeps no process alive.
 *
 * A redirect is not followed, since a key must not travel.
 */
export function openChannel(target: ChannelTarget, handlers: ChannelHandlers): Channel {
  let socket: NodeWebSocket | undefined;
  let isOver = false;
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  const end = (reason?: unknown): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    socket?.terminate();
    handlers.closed(reason);
  };

  const start = async (): Promise<void> => {
    const { WebSocket } = await import("ws");
    if (isOver) return;
    const options: ClientOptions = {
      headers: target.headers,
      followRedirects: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    };
    const opening = new WebSocket(`${target.origin.replace(/^http/, "ws")}${target.path}`, options);
    socket = opening;
    let heardMs = performance.now();
    const heard = (): void => {
      heardMs = performance.now();
    };
    opening.on("error", end);
    opening.on("close", () => end());
    opening.on("pong", heard);
    opening.on("ping", heard);
    // Frames come as one Buffer each: that is the default `binaryType`.
    opening.on("message", (data: Buffer, isBinary) => {
      heard();
      if (!isBinary && !isOver) handlers.received(data.toString("utf8"));
    });
    opening.on("upgrade", ({ socket: connection }) => connection.unref());
    opening.on("open", () => {
      heard();
      heartbeat = setInterval(() => {
        if (performance.now() - heardMs > SILENCE_MS) end(new Error("the channel went silent"));
        else opening.ping();
      }, PING_MS);
      heartbeat.unref();
      handlers.opened((text) => {
        if (opening.readyState === opening.OPEN) opening.send(text, () => undefined);
      });
    });
  };
  start().catch(end);
  return { close: () => end() };
}
