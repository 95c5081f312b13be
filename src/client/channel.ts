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
