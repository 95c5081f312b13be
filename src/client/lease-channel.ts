import type { Channel, ChannelHandlers, ChannelTarget } from "./channel.ts";
import { openWebChannel } from "./web-channel.ts";

/**
 * Opens a lease channel: on Node with `ws`, which sets a header, asks whether the
 * other side lives and keeps no process alive; elsewhere with the runtime's own
 * WebSocket.
 *
 * @throws where there is none
 */
export async function openChannel(
  target: ChannelTarget,
  handlers: ChannelHandlers,
): Promise<Channel> {
  if (!isNode()) return openWebChannel(target, handlers);
  const { openNodeChannel } = await import("./node-channel.ts");
  return openNodeChannel(target, handlers);
}

/** Deno and Bun say that they are, and have another `ws`. */
function isNode(): boolean {
  const others = ["Deno", "Bun"].some((name) => name in globalThis);
  return !others && globalThis.process?.versions?.node !== undefined;
}
