import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";

/** A database of its own for a test, on the run's server. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Runs SQL as somebody would who has the database. */
  sql<Row = Record<string, unknown>>(text: string): Promise<Row[]>;
}

/** The address of the run's server. */
export async function postgresServerUrl(): Promise<string> {
  const given = process.env["MACHINEID_TEST_POSTGRES"];
  if (given !== undefined && given !== "") return given;
  const response = await fetch(inject("postgresDesk"));
  const text = await response.text();
  if (!response.ok) throw new Error(`no PostgreSQL server: ${text}`);
  return text;
}

/** Makes an empty database. */
export async function createDatabase(
  serverUrl: string | Promise<string> = postgresServerUrl(),
): Promise<TestDatabase> {
  const server = await serverUrl;
  const name = `machineid_${randomBytes(8).toString("hex")}`;
  await run(server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    sql: <Row>(text: string) => run(url.href, text) as Promise<Row[]>,
    async [Symbol.asyncDispose]() {
      await run(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}
