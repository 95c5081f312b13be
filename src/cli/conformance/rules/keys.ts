import { ADMIN_KEY_HEADER, ORG_KEY_HEADER, ROUTES } from "../../../wire/index.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";

const UNKNOWN_KEY = "org_conformance-knows-no-such-key-0123456789";

/** Rules of keys, orgs and who may do what. */
export const keyRules: readonly Rule[] = [
  {
    id: "key.missing",
    says: "Without a key, nothing is answered but 401.",
    async check(subject) {
      for (const { method, path } of [ROUTES.validate, ROUTES.usage]) {
        const body = method === "POST" ? { deviceId: "any" } : undefined;
        const { status } = await subject.ask({ method, path, body, key: null });
        must(status === 401, `${method} ${path}: status ${status}`);
      }
    },
  },
  {
    id: "key.unknown",
    says: "With a key that belongs to no org, nothing is answered but 401.",
    async check(subject) {
      for (const operation of ["validate", "revoke", "remove"] as const) {
        const { status } = await subject.do(operation, { deviceId: "any" }, UNKNOWN_KEY);
        must(status === 401, `${operation}: status ${status}`);
      }
    },
  },
  {
    id: "key.never_in_url",
    says: "A key in the URL is none.",
    needsAdmin: true,
    async check(subject) {
      // A key of the kit's own, which is worth nothing afterwards.
      const { key } = await subject.ownOrg("first", "unlimited");
      for (const name of [ORG_KEY_HEADER, "orgKey", "key"]) {
        const path = `${ROUTES.usage.path}?${name}=${encodeURIComponent(key)}`;
        const { status } = await subject.ask({ method: "GET", path, key: null });
        must(status === 401, `?${name}=…: status ${status}`);
      }
    },
  },
  {
    id: "org.isolation",
    says: "One org neither sees, checks, stops nor removes a device of another.",
    needsAdmin: true,
    async check(subject) {
      const mine = await subject.ownOrg("first", "unlimited");
      const other = await subject.ownOrg("second", "unlimited");
      const deviceId = await subject.registered(mine.key);
      const verdict = await subject.verdict(deviceId, other.key);
      must(verdict.outcome === "denied", `another org's check is ${verdict.outcome}`);
      const list = await subject.do("listDevices", undefined, other.key);
      must(!list.text.includes(deviceId), "another org's list shows it");
      for (const operation of ["revoke", "remove"] as const) {
        const { status } = await subject.do(operation, { deviceId }, other.key);
        must(status === 404, `another org's ${operation}: status ${status}`);
      }
      const after = await subject.verdict(deviceId, mine.key);
      must(after.outcome === "allowed", `afterwards it is ${after.outcome} for its own org`);
    },
  },
  {
    id: "org.create",
    says: "Making an org answers its key, which works.",
    needsAdmin: true,
    async check(subject) {
      const { key } = await subject.ownOrg("first", "unlimited");
      must(/^org_[\x21-\x7e]{16,}$/.test(key), "the key has not the form of an org key");
      const { status } = await subject.do("usage", undefined, key);
      must(status === 200, `usage with the new key: status ${status}`);
    },
  },
  {
    id: "org.create_needs_admin",
    says: "Without the administrator's key no org is made.",
    async check(subject) {
      const { method, path } = ROUTES.createOrg;
      const wrong = "adm_conformance-knows-no-such-key-0123456789";
      const asked = [
        await subject.ask({ method, path, body: {} }),
        await subject.ask({ method, path, body: {}, headers: { [ADMIN_KEY_HEADER]: wrong } }),
      ];
      for (const { status, json } of asked) {
        must(
          status >= 400 && json["orgApiKey"] === undefined,
          `${status}, key ${seen("orgApiKey" in json)}`,
        );
      }
    },
  },
];
