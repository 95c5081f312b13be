import { once } from "node:events";
import { startTestAuthority } from "../../support/authority.ts";

/** An authority of its own, at a store and, if given, a port; ended by whoever started it. */
const [path = "", ownerKey = "", leaseTtlMs = "10000"] = process.argv.slice(2);
const authority = await startTestAuthority({ path, ownerKey, leaseTtlMs: Number(leaseTtlMs) });
process.send?.(authority.url);
await once(process, "disconnect");
await authority.close();
