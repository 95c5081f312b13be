/** One open connection of a session, as the session sees it. */
export interface LeaseConnection {
  /** A frame arrived. */
  receive(frame: unknown): void;
  /** The connection is gone. Leases live on, until their time is over. */
  lose(): void;
}
