/** A store was not moved. */
export class MoveError extends Error {
  override readonly name = "MoveError";
  readonly code = "MOVE_REFUSED";
}
