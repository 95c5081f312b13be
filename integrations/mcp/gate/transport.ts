import type { Message, RequestId } from "./message.ts";

/**
 * A transport of any version of the SDK, or one of your own. What it carries is
 * not narrowed here, so that the transports of all versions fit.
 */
export interface AnyTransport {
  start(): Promise<void>;
  send(message: never, options?: never): Promise<void>;
  close(): Promise<void>;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: unknown;
}

/** What a transport may be told with a message. */
export interface SendOptions {
  /** The request of the other side that the message belongs to. */
  readonly relatedRequestId?: RequestId | undefined;
}

/** Takes a message in. A transport that waits for what it returns gives back pressure. */
export type Receive = (message: Message, extra?: unknown) => unknown;

/** {@link AnyTransport}, as a gate uses it. */
export interface Transport {
  start(): Promise<void>;
  send(message: Message, options?: SendOptions): Promise<void>;
  close(): Promise<void>;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Receive | undefined;
  /** Called when the other side sends nothing more, though it may still read. */
  onend?: (() => void) | undefined;
  setProtocolVersion?: ((version: string) => void) | undefined;
}
