import {
  createAuthority,
  isPostgresUrl,
  postgresStore,
  sqliteStore,
} from "../../../src/authority/index.ts";
import type { Store } from "../../../src/authority/index.ts";

/* A replica in a process of its own, to be killed. */

/** No longer than a strict allow, so that a stop of a lost holder is soon fenced by time. */
const LEASE_TTL_MS = 2_000;

/** A fault to be found: decisions are kept for a while, and nothing is told of stops. */
function withCache(store: Store, cacheMs: number): Store {
  const cache = new Map<string, { at: number; outcome: ReturnType<Store["validate"]> }>();
  return new Proxy(store, {
    get(target, name) {
      if (name === "leases") return undefined;
      if (name !== "validate") {
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      }
      return (...[caller, deviceId]: Parameters<Store["validate"]>) => {
        const kept = cache.get(deviceId);
        if (kept !== undefined && performance.now() - kept.at < cacheMs) return kept.outcome;
        const outcome = target.validate(caller, deviceId);
        cache.set(deviceId, { at: performance.now(), outcome });
        return outcome;
      };
    },
  });
}

const [, , database = "", cacheMs = "0"] = process.argv;
const store = await (isPostgresUrl(database)
  ? postgresStore({ url: database })
  : sqliteStore(database));
const authority = createAuthority({
  leaseTtlMs: LEASE_TTL_MS,
  store: cacheMs === "0" ? store : withCache(store, Number(cacheMs)),
});
const { url } = await authority.listen();
process.stdout.write(`${url}\n`);
