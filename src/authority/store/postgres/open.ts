import type { Store } from "../store.ts";
import { readSettings } from "./options.ts";
import type { PostgresOptions } from "./options.ts";

/**
 * Opens a store in a PostgreSQL database, which any number of replicas share. It
 * brings the database to its schema first; replicas may do that at the same time.
 *
 * A replica keeps up to six connections. When the server is away every call is
 * refused in time, and the store works again by itself once it is back.
 *
 * @throws TypeError when the address is none
 * @throws StoreUnavailableError when the server cannot be reached, or is a standby
 * @throws StoreSchemaError when the database is of a newer version, or cannot hold a store
 */
export async function postgresStore(options: PostgresOptions): Promise<Store> {
  const settings = readSettings(options);
  // Whoever keeps a file does not load a database's client.
  const { openPostgresStore } = await import("./postgres-store.ts");
  return openPostgresStore(settings);
}
