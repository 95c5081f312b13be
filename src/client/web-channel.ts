import type { Channel, ChannelHandlers, ChannelTarget } from "./channel.ts";

/** Longest message that is taken. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** A connection that is not open by then is given up. */
export const HANDSHAKE_TIMEOUT_MS = 5000;

export const urlOf = ({ origin, path }: ChannelTarget): string =>
  `${origin.replace(/^http/, "ws")}${path}`;

/**
 * Opens a lease channel with the WebSocket that the runtime has. It sends no
 * header of ours, so the key goes in the first message, which is the hello: never
 * in the address, which is logged on its way. Whether the other side lives is
 * shown by its answers alone.
 */
export function openWebChannel(target: ChannelTarget, handlers: ChannelHandlers): Channel {
  const socket = new WebSocket(urlOf(target));
  let isOver = false;
  let isGreeted = false;
  const end = (reason?: unknown): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(opening);
    // Its close event may be long in coming, or never come.
    socket.close();
    handlers.closed(reason);
  };
  const opening = setTimeout(
    () => end(new Error("the channel was not opened in time")),
    HANDSHAKE_TIMEOUT_MS,
  );

  socket.addEventListener("error", () => end(new Error("the channel failed")));
  socket.addEventListener("close", ({ code, reason }) =>
    end(new Error(`the channel was closed: ${code} ${reason}`)),
  );
  socket.addEventListener("message", (event) => {
    const data: unknown = event.data;
    if (isOver || typeof data !== "string") return;
    if (data.length > MAX_FRAME_BYTES) end(new Error("a message was too long"));
    else handlers.received(data);
  });
  socket.addEventListener("open", () => {
    clearTimeout(opening);
    if (isOver) return;
    handlers.opened((text) => {
      if (isOver || socket.readyState !== socket.OPEN) return;
      socket.send(isGreeted ? text : withKey(text, target.key));
      isGreeted = true;
    });
  });
  return { close: () => end() };
}

const withKey = (hello: string, key: string): string =>
  JSON.stringify({ ...(JSON.parse(hello) as object), key });
