import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examineConformance } from "../../src/cli/conformance/run.ts";
import type { Conformance } from "../../src/cli/conformance/run.ts";
import { RULES } from "../../src/cli/conformance/rules/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { FAULTS } from "./faults/index.ts";
import { startFaultyAuthority } from "./faulty-authority.ts";

let authority: TestAuthority;
beforeAll(async () => {
  authority = await startTestAuthority();
});
afterAll(() => authority.close());

const examine = (url: string, adminKey: string | undefined): Promise<Conformance> =>
  examineConformance(
    { url, key: authority.ownerKey, adminKey, timeoutMs: 10_000 },
    () => undefined,
  );

const failing = ({ findings }: Conformance): unknown[] =>
  findings.filter(({ result }) => result === "fail");

describe("the conformance kit", () => {
  it("finds nothing wrong with our authority, and nothing left out", async () => {
    const found = await examine(authority.url, authority.adminKey);
    expect(failing(found)).toEqual([]);
    expect(found.findings.filter(({ result }) => result === "not offered")).toEqual([]);
    expect(found.findings.map(({ rule }) => rule)).toEqual(RULES.map(({ id }) => id));
  });

  it("has rules with names of their own, each with a fault of its own", () => {
    const ids = RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(50);
    expect(Object.keys(FAULTS).toSorted()).toEqual(ids.toSorted());
  });

  it("removes every device it made, and shuts the orgs it made", async () => {
    const { devicesLeft, orgsLeft } = await examine(authority.url, authority.adminKey);
    expect(devicesLeft).toEqual([]);
    const { body } = await call(authority, "GET", "/api/v1/devices/list");
    expect(body["devices"]).toEqual([]);
    const { body: all } = await call(authority, "GET", "/api/v1/org/list");
    const orgs = all["orgs"] as Readonly<Record<string, unknown>>[];
    expect(orgsLeft).toHaveLength(2);
    for (const orgId of orgsLeft) {
      const org = orgs.find((known) => known["orgId"] === orgId);
      expect(org).toMatchObject({ planState: "inactive", limit: 0, devicesUsed: 0 });
    }
  });

  it("looks at all but the administrator's rules without the administrator's key", async () => {
    const found = await examine(authority.url, undefined);
    expect(failing(found)).toEqual([]);
    expect(found.orgsLeft).toEqual([]);
    const left = found.findings.filter(({ result }) => result === "not offered");
    expect(left.map(({ rule }) => rule)).toEqual(
      RULES.filter(({ needsAdmin }) => needsAdmin === true).map(({ id }) => id),
    );
  });

  it("has room in an org with three places", async () => {
    const { body } = await call(authority, "POST", "/api/v1/org/create", { plan: "free" });
    const found = await examineConformance(
      {
        url: authority.url,
        key: String(body["orgApiKey"]),
        adminKey: authority.adminKey,
        timeoutMs: 10_000,
      },
      () => undefined,
    );
    expect(failing(found)).toEqual([]);
  });

  it("takes an authority without extensions for one that does not offer them", async () => {
    await using plain = await startFaultyAuthority(authority.url, {
      asked: ({ path }) => {
        const isExtension = /^\/(?:api\/v1\/meta|api\/v1\/events|healthz|readyz|metrics|openapi)/;
        return isExtension.test(path)
          ? { status: 404, headers: {}, json: { status: "error", allowed: false } }
          : undefined;
      },
      answered({ json }) {
        delete json["version"];
        delete json["valid_ms"];
      },
    });
    const found = await examine(plain.url, authority.adminKey);
    expect(failing(found)).toEqual([]);
    const left = found.findings.filter(({ result }) => result === "not offered");
    expect(left).toHaveLength(15);
  });

  it.each(Object.entries(FAULTS))("finds what breaks %s, and nothing else", async (rule, fault) => {
    await using faulty = await startFaultyAuthority(authority.url, fault());
    const found = await examine(faulty.url, authority.adminKey);
    expect(failing(found)).toEqual([expect.objectContaining({ rule })]);
    expect(found.devicesLeft).toEqual([]);
  });
});
