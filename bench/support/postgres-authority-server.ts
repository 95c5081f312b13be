import { createAuthority, postgresStore } from "../../src/authority/index.ts";
import { say, serveParent } from "./process.ts";

/* A replica on a PostgreSQL database. */

const [, , url = "", ownerKey = ""] = process.argv;
const authority = createAuthority({ store: await postgresStore({ url }) });
await authority.bootstrap({ ownerKey });
const { port } = await authority.listen();
say({ port });
await serveParent(() => ({}));
await authority.close();
process.exit(0);
