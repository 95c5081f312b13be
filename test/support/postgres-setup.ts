import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { PostgresServer } from "./postgres-server.ts";

/**
 * One PostgreSQL server for the tests of a run, started when the first of them
 * asks for it, and none when `MACHINEID_TEST_POSTGRES` names one that runs already.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<PostgresServer> | undefined;
  const desk = createServer((_request, response) => {
    server ??= PostgresServer.start();
    server.then(
      (started) => response.end(started.url()),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  await once(desk, "listening");
  project.provide("postgresDesk", `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
  return async () => {
    desk.closeAllConnections();
    desk.close();
    await (await server)?.[Symbol.asyncDispose]();
  };
}

declare module "vitest" {
  export interface ProvidedContext {
    /** Where a test asks for the address of the run's PostgreSQL server. */
    postgresDesk: string;
  }
}
