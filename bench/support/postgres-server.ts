import { PostgresServer } from "../../test/support/postgres-server.ts";
import { say, serveParent } from "./process.ts";

/* A PostgreSQL server as it is served: every commit is on disk before it is answered. */

await using server = await PostgresServer.start({ settings: ["fsync=on"] });
say({ url: server.url() });
await serveParent(() => ({}));
