/** A copy of a store, in a file that goes when the copy is let go of. */
export interface StoreBackup extends AsyncDisposable {
  /** The file; only its owner reads it. */
  readonly path: string;
  /** Its size in bytes. */
  readonly size: number;
}

/** A copy of the store is being made already. */
export class BackupRunningError extends Error {
  override readonly name = "BackupRunningError";
  readonly code = "BACKUP_RUNNING";

  constructor() {
    super("a backup is being made already; wait for its end");
  }
}
