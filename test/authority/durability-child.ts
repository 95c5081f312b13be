import { createAuthority, sqliteStore } from "../../src/authority/index.ts";

/* An authority in a process of its own, to be killed. */

const [, , path = "", ownerKey = ""] = process.argv;
const authority = createAuthority({ store: await sqliteStore(path) });
await authority.bootstrap({ ownerKey });
const { url } = await authority.listen();
process.stdout.write(`${url}\n`);
