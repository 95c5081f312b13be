import { createAuthority, postgresStore } from "../../src/authority/index.ts";
import { say, serveParent } from "./process.ts";

/* A replica on a PostgreSQL database. */

const [, , url = "", ownerKey = "", auditDecisions = "all"] = process.argv;
// Counted as ever, and never reached: one key asks here as often as a whole fleet.
const open = { perSecond: 1e9, burst: 1e9 };
const authority = createAuthority({
  store: await postgresStore({ url }),
  limits: { perKey: open, perOrg: open },
  auditDecisions: auditDecisions === "none" ? "none" : "all",
});
await authority.bootstrap({ ownerKey });
const { port } = await authority.listen();
say({ port });
await serveParent(() => ({}));
await authority.close();
process.exit(0);
