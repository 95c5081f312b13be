/** A client sent what no client of the lease channel sends. The connection is closed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
