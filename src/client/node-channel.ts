// What `ws` has for browsers, where this file is bundled and never runs, exports no names.
// oxlint-disable-next-line import/no-named-as-default
import WebSocket from "ws";
import type { ClientOptions } from "ws";
import type { Channel, ChannelHandlers, ChannelTarget } from "./channel.ts";
import { HANDSHAKE_TIMEOUT_MS, MAX_FRAME_BYTES, urlOf } from "./web-channel.ts";

/** Nothing heard for so long: the connection is given up, however open it looks. */
const SILENCE_MS = 15_000;
const PING_MS = 5000;

/** Opens a lease channel with `ws`. It keeps no process alive. */
export function openNodeChannel(target: ChannelTarget, handlers: ChannelHandlers): Channel {
  const options: ClientOptions = {
    headers: target.headers,
    // A key must not travel.
    followRedirects: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  };
  const socket = new WebSocket(urlOf(target), options);
  let isOver = false;
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  let heardMs = performance.now();
  const heard = (): void => {
    heardMs = performance.now();
  };
  const end = (reason?: unknown): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    socket.terminate();
    handlers.closed(reason);
  };

  socket.on("error", end);
  socket.on("close", () => end());
  socket.on("pong", heard);
  socket.on("ping", heard);
  // Frames come as one Buffer each: that is the default `binaryType`.
  socket.on("message", (data: Buffer, isBinary) => {
    heard();
    if (!isBinary && !isOver) handlers.received(data.toString("utf8"));
  });
  socket.on("upgrade", ({ socket: connection }) => connection.unref());
  socket.on("open", () => {
    heard();
    heartbeat = setInterval(() => {
      if (performance.now() - heardMs > SILENCE_MS) end(new Error("the channel went silent"));
      else socket.ping();
    }, PING_MS);
    heartbeat.unref();
    handlers.opened((text) => {
      if (socket.readyState === socket.OPEN) socket.send(text, () => undefined);
    });
  });
  return { close: () => end() };
}
