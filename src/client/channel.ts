import { LEASE_PATH, ORG_KEY_HEADER } from "../wire/index.ts";
import type { BaseUrl } from "./options.ts";

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

/** Where a lease channel is, and what opens it. */
export interface ChannelTarget {
  readonly origin: string;
  readonly path: string;
  readonly key: string;
  /** The key as a header. */
  readonly headers: Readonly<Record<string, string>>;
}

export type OpenLeaseChannel = (handlers: ChannelHandlers) => Promise<Channel>;

/** Opens lease channels of one authority under one key; what does so is loaded with the first. */
export function leaseChannelOpener({ origin, prefix }: BaseUrl, key: string): OpenLeaseChannel {
  const target = { origin, path: prefix + LEASE_PATH, key, headers: { [ORG_KEY_HEADER]: key } };
  return async (handlers) => (await import("./lease-channel.ts")).openChannel(target, handlers);
}
