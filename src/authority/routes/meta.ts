import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { AUTHORITY_VERSION } from "../version.ts";

/** Extensions of the MachineID v1 API that are here. A client uses one only where it is named. */
const FEATURES = [
  "scoped_keys",
  "org_stop",
  "batch_patterns",
  "if_version",
  "two_person_restore",
  "device_owners",
  "device_pages",
  "audit",
  "receipts",
  "events",
] as const;

/** What this authority is, and which extensions it has. Needs no key. */
export function metaRoute({ gatekeeper, store, leases }: Services): AuthorityRoute {
  return {
    ...ROUTES.meta,
    access: "anyone",
    handle(request, reply) {
      gatekeeper.enter(request, undefined);
      const name = "machineid-authority";
      const features = [
        ...(leases === undefined ? [] : ["lease", "stops"]),
        ...FEATURES,
        ...(store.backup === undefined ? [] : ["backup"]),
      ];
      const lease = leases === undefined ? {} : { lease: { ttl_ms: leases.ttlMs } };
      return answer(reply, { name, version: AUTHORITY_VERSION, features, ...lease });
    },
  };
}
