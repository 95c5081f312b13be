import type { GatedCall } from "./gated-call.ts";
import type { Message } from "./message.ts";
import type { SendOptions } from "./transport.ts";

/** Where a gate hands messages on to. */
export interface GateSides {
  /** Hands a message to the server, at once: nothing is waited for before it begins. */
  toServer(message: Message, extra: unknown): unknown;
  toClient(message: Message, options?: SendOptions): Promise<void>;
  /** A call in flight was stopped, and cancelled at the server. */
  stopped?(call: GatedCall): void;
}
