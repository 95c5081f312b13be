import { randomUUID } from "node:crypto";
import { closeSync, openSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backup } from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { BackupRunningError } from "../backup.ts";
import type { StoreBackup } from "../backup.ts";
import { StoreUnavailableError } from "../errors.ts";
import { sqliteCode } from "./open-database.ts";

const SQLITE_OK = 0;

/** Pages copied at a time. Between two times, the owner's own writes go on. */
const PAGES_AT_ONCE = 256;

/**
 * Copies the file of a store while its owner works with it. Only the owner's own
 * connection can: nobody else gets a lock. The copy is as the store was when the
 * last page was copied; what is written meanwhile goes into both.
 */
export class FileBackup {
  readonly #database: DatabaseSync;
  readonly #location: string | null;
  #taken = false;
  #copying: Promise<unknown> | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#location = database.location();
  }

  /** @throws BackupRunningError, StoreUnavailableError */
  async take(): Promise<StoreBackup> {
    if (this.#taken) throw new BackupRunningError();
    this.#taken = true;
    let path: string | undefined;
    const clear = async (): Promise<void> => {
      if (path !== undefined) await removeCopy(path);
      this.#taken = false;
    };
    try {
      // Beside the file there is a disk that holds it. The name is always the same,
      // so that what a crash left is cleared up by the next copy.
      path =
        this.#location === null
          ? join(tmpdir(), `machineid-${randomUUID()}.copying`)
          : `${this.#location}.copying`;
      this.#copying = this.#copyTo(path);
      await this.#copying;
      return { path, size: statSync(path).size, [Symbol.asyncDispose]: clear };
    } catch (error) {
      await clear();
      const reason = error instanceof Error ? error.message : "it failed";
      throw new StoreUnavailableError(`no backup: ${reason}`, { cause: error });
    }
  }

  async #copyTo(path: string): Promise<void> {
    for (;;) {
      await removeCopy(path);
      closeSync(openSync(path, "wx", 0o600));
      try {
        await backup(this.#database, path, { rate: PAGES_AT_ONCE });
        return;
      } catch (error) {
        // The first page is copied by another thread. Where the owner is in a transaction just
        // then, SQLite is busy, which Node gives out as an error that is none.
        if (sqliteCode(error) !== SQLITE_OK) throw error;
      }
    }
  }

  /** Resolves when no page is being copied, so that the database may be closed. */
  async ended(): Promise<void> {
    await this.#copying?.catch(() => undefined);
  }
}

async function removeCopy(path: string): Promise<void> {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) await rm(path + suffix, { force: true });
}
