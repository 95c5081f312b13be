import { Client } from "pg";
import { LOCK_CLASS, LOCKS } from "../../../src/authority/store/postgres/prepare.ts";

/** Keeps every replica from getting its turn to change, as one would that froze while it had it. */
export async function holdTurn(url: string): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(${LOCK_CLASS}, ${LOCKS.turn})`);
  return { [Symbol.asyncDispose]: () => client.end() };
}
