import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PERMISSIONS } from "../../src/authority/index.ts";
import { ROUTE_FACTORIES } from "../../src/authority/routes/index.ts";
import type { AuthorityRoute } from "../../src/authority/http/route.ts";
import type { Services } from "../../src/authority/services.ts";
import { KEY_ROLES, ROUTES } from "../../src/wire/index.ts";
import type { KeyRole } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { createOrg, createScopedKey } from "../support/scoped-keys.ts";
import { failureIn } from "./answers.ts";

/** Makes a route without a server, to look at what it declares. */
const declared: readonly AuthorityRoute[] = ROUTE_FACTORIES.map((create) =>
  create({} as unknown as Services),
);

const ROLE_MESSAGE = "The role of the key does not include this.";

interface Org {
  readonly orgId: string;
  readonly keys: Readonly<Record<KeyRole, string>>;
  readonly keyId: string;
}

/** What is sent to each route to hurt the other org: its device ids, its key's id, everything at once. */
const ATTACKS: Readonly<Record<string, (victim: Org) => unknown>> = {
  "/api/v1/devices/register": () => ({ deviceId: "shared:new" }),
  "/api/v1/devices/validate": () => ({ deviceId: "shared:1" }),
  "/api/v1/devices/revoke": () => ({ deviceId: "shared:1" }),
  "/api/v1/devices/unrevoke": () => ({ deviceId: "shared:2" }),
  "/api/v1/devices/remove": () => ({ deviceId: "shared:1" }),
  "/api/v1/devices/revoke_batch": () => ({ devicePattern: "*" }),
  "/api/v1/devices/unrevoke_batch": () => ({ deviceIds: ["shared:1", "shared:2"] }),
  "/api/v1/org/create": () => ({ name: "mine" }),
  "/api/v1/org/plan": ({ orgId }) => ({ orgId, planState: "frozen" }),
  "/api/v1/org/stop": ({ orgId }) => ({ orgId, reason: "attack" }),
  "/api/v1/org/resume": ({ orgId }) => ({ orgId }),
  "/api/v1/org/policy": ({ orgId }) => ({ orgId, twoPersonRestore: false }),
  "/api/v1/keys/create": ({ orgId }) => ({ orgId, role: "viewer" }),
  "/api/v1/keys/revoke": ({ keyId }) => ({ keyId }),
  "/api/v1/keys/rotate": ({ keyId }) => ({ keyId, overlap_ms: 0 }),
  "/api/v1/authority/rotate_key": () => ({ overlap_hours: 0 }),
  "/api/v1/authority/rotate_admin_key": () => ({ overlap_ms: 0 }),
  "/api/v1/backup": () => ({}),
};

describe("tenants", () => {
  let authority: TestAuthority;
  let one: Org;
  let other: Org;

  const as = (key: string) => ({ ...authority, ownerKey: key, adminKey: key });

  async function populate(ownerKey: string, orgId: string): Promise<Org> {
    const owner = { ...authority, ownerKey };
    const keys = { owner: ownerKey } as Record<KeyRole, string>;
    let keyId = "";
    for (const role of KEY_ROLES) {
      if (role === "owner") continue;
      const made = await createScopedKey(owner, role);
      keys[role] = made.secret;
      ({ keyId } = made);
    }
    for (const deviceId of ["shared:1", "shared:2"]) {
      await call(owner, "POST", "/api/v1/devices/register", { deviceId, owner: `of ${orgId}` });
    }
    await call(owner, "POST", "/api/v1/devices/revoke", { deviceId: "shared:2" });
    await call(owner, "POST", "/api/v1/org/policy", { twoPersonRestore: true });
    return { orgId, keys, keyId };
  }

  beforeAll(async () => {
    authority = await startTestAuthority();
    const first = await createOrg(authority);
    const second = await createOrg(authority);
    one = await populate(first.ownerKey, first.orgId);
    other = await populate(second.ownerKey, second.orgId);
  });
  afterAll(async () => {
    await authority.close();
  });

  /** Everything of an org that anyone could change or read, as its owner sees it, and its audit. */
  async function stateOf({ keys, orgId }: Org): Promise<string> {
    const look = async (path: string): Promise<unknown> => {
      const { status, body } = await call(as(keys.owner), "GET", path);
      const { request_id: _, version: __, ...rest } = body;
      return { status, ...rest };
    };
    const chains = await authority.store.auditChains();
    const { seq } = chains.find((chain) => chain.orgId === orgId) ?? {};
    const paths = ["devices/list?limit=500", "keys/list", "usage", "org"];
    const seen = await Promise.all(paths.map((path) => look(`/api/v1/${path}`)));
    return JSON.stringify({ seen, seq });
  }

  /** What nobody outside an org may be told. Device ids are the attacker's own words. */
  const secretsOf = ({ keys, orgId, keyId }: Org): string[] => [
    ...Object.values(keys),
    orgId,
    keyId,
  ];

  function expectNoLeak({ body }: Answer, victim: Org): void {
    const text = JSON.stringify(body);
    for (const secret of secretsOf(victim)) expect(text).not.toContain(secret);
  }

  it("every route declares who may call it, and every changing one is attacked below", () => {
    expect(declared.length).toBeGreaterThan(20);
    for (const { method, path, access } of declared) {
      const isKnown = access === "anyone" || access === "admin" || access in PERMISSIONS;
      expect({ path, isKnown }).toEqual({ path, isKnown: true });
      if (method === "POST") expect(Object.keys(ATTACKS)).toContain(path);
    }
    expect(Object.keys(ATTACKS).toSorted()).toEqual(
      declared
        .filter(({ method }) => method === "POST")
        .map(({ path }) => path)
        .toSorted(),
    );
  });

  it("only routes that tell nothing of any org are open to anyone", () => {
    const open = declared.filter(({ access }) => access === "anyone").map(({ path }) => path);
    expect(open.toSorted()).toEqual([
      "/.well-known/jwks.json",
      "/api/v1/meta",
      "/healthz",
      "/openapi.json",
      "/readyz",
    ]);
  });

  // A stream of events has no end to wait for; the tests of events hold it to roles and orgs.
  const scoped = declared.filter(
    ({ access, path }) => access !== "anyone" && path !== ROUTES.events.path,
  );
  const cases = scoped.flatMap((route) => KEY_ROLES.map((role) => ({ route, role, ...route })));

  it.each(cases)(
    "$method $path with the role $role reaches no other org",
    async ({ route, role }) => {
      const { method, path, access } = route;
      for (const [attacker, victim] of [
        [one, other],
        [other, one],
      ] as const) {
        const before = await stateOf(victim);
        const body = ATTACKS[path]?.(victim);
        const answer = await call(as(attacker.keys[role]), method, path, body);
        expectNoLeak(answer, victim);
        if (access === "admin") expect(failureIn(answer)).toEqual([401, "ADMIN_KEY_INVALID"]);
        else if (access !== "anyone") {
          const roles: readonly string[] = PERMISSIONS[access];
          // Whoever has the right role is refused for a device's owner or for two keys alone.
          const isRole = answer.body["message"] === ROLE_MESSAGE;
          expect([answer.body["code"], isRole]).toEqual([
            roles.includes(role) ? answer.body["code"] : "FORBIDDEN",
            !roles.includes(role),
          ]);
          expect([200, 202, 403, 404]).toContain(answer.status);
        }
        expect(await stateOf(victim)).toBe(before);
        await call(as(attacker.keys.owner), "POST", "/api/v1/org/policy", {
          twoPersonRestore: false,
        });
        await call(as(attacker.keys.owner), "POST", "/api/v1/org/resume", {});
        await call(as(attacker.keys.owner), "POST", "/api/v1/org/policy", {
          twoPersonRestore: true,
        });
      }
    },
  );

  it.each(cases)(
    "$method $path refuses a key of the role $role once it is revoked",
    async (each) => {
      const { method, path, access } = each.route;
      if (access === "admin") return;
      const owner = as(one.keys.owner);
      const made = await createScopedKey(owner, each.role);
      await call(owner, "POST", "/api/v1/keys/revoke", { keyId: made.keyId });
      const refused = await call(as(made.secret), method, path, ATTACKS[path]?.(one));
      expect(failureIn(refused)).toEqual([401, "ORG_KEY_INVALID"]);
    },
  );

  it("an org's audit names its own keys alone", async () => {
    for (const [org, stranger] of [
      [one, other],
      [other, one],
    ] as const) {
      const chains = await authority.store.auditChains();
      const chain = chains.find(({ orgId }) => orgId === org.orgId);
      const rows = await authority.store.auditRows(chain?.id ?? 0, 0, 10_000);
      expect(rows.length).toBeGreaterThan(50);
      const text = rows.map(({ entry }) => entry).join("\n");
      for (const secret of [...secretsOf(stranger), ...Object.values(org.keys)]) {
        expect(text).not.toContain(secret);
      }
    }
  });
});
