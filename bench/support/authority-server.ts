import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import { say, serveParent } from "./process.ts";

/*
 * An authority as it is served: a SQLite file on disk, every decision in the audit, or
 * with the argument `none` no allow.
 */

const folder = await mkdtemp(join(tmpdir(), "machineid-bench-"));
const store = await sqliteStore(join(folder, "authority.db"));
// Counted as ever, and never reached: one key asks here as often as a whole fleet.
const open = { perSecond: 1e9, burst: 1e9 };
const authority = createAuthority({
  store,
  auditDecisions: process.argv[2] === "none" ? "none" : "all",
  limits: { perKey: open, perOrg: open },
  maxConnections: 50_000,
  leases: { maxSessionsPerKey: 50_000 },
});
const { ownerKey } = await authority.bootstrap();
const { port } = await authority.listen();
say({ port, ownerKey });
await serveParent(() => ({ rss: process.memoryUsage.rss() }));
await authority.close();
await rm(folder, { recursive: true });
process.exit(0);
