import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";

/** Largest message that is acted upon, in characters of JSON. Larger than any that makes sense. */
export const MAX_MESSAGE_LENGTH = 256 * 1024;

export interface OpenRequests {
  /** Resolves when every request that came in was answered or cancelled. */
  settled(): Promise<void>;
}

/**
 * Follows the requests of a transport that is connected: which are still to be
 * answered, and which are too large to be looked at, which it refuses itself.
 */
export function followRequests(transport: Transport): OpenRequests {
  const open = new Set<RequestId>();
  let onSettled = (): void => undefined;
  const { onmessage } = transport;
  const send = transport.send.bind(transport);

  const close = (id: RequestId): void => {
    open.delete(id);
    if (open.size === 0) onSettled();
  };

  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has a callback, no event target
  transport.onmessage = (message, extra) => {
    if (JSON.stringify(message).length > MAX_MESSAGE_LENGTH) {
      if ("method" in message && "id" in message) void send(tooLarge(message.id));
      return;
    }
    if ("method" in message && "id" in message) open.add(message.id);
    onmessage?.(message, extra);
    // A cancelled request is never answered.
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) close(cancelled);
  };
  transport.send = async (message, options) => {
    await send(message, options);
    if (!("method" in message) && message.id !== undefined) close(message.id);
  };

  return {
    settled: () =>
      new Promise((resolve) => {
        onSettled = resolve;
        if (open.size === 0) resolve();
      }),
  };
}

const tooLarge = (id: RequestId): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  error: {
    code: ErrorCode.InvalidRequest,
    message: `The request has more than ${MAX_MESSAGE_LENGTH} characters. Nothing was done`,
  },
});

function cancelledBy(message: JSONRPCMessage): RequestId | undefined {
  if (!("method" in message) || message.method !== "notifications/cancelled") return undefined;
  const id = message.params?.["requestId"];
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}
