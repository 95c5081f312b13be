import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, decideRegistration, DECISIONS } from "../../src/authority/index.ts";
import type { DeviceStanding, OrgStanding } from "../../src/authority/index.ts";
import { DECISION_CODES } from "../../src/wire/index.ts";

const NOW = 1_800_000_000_000;
const open: OrgStanding = { disabled: false, planState: "active", accessUntil: null };
const active: DeviceStanding = { revokedAt: null };
const revoked: DeviceStanding = { revokedAt: 1 };

describe("decide", () => {
  const table: [string, OrgStanding, DeviceStanding | undefined, string][] = [
    ["an active device", open, active, "ALLOW"],
    ["a revoked device", open, revoked, "DEVICE_REVOKED"],
    ["an unknown device", open, undefined, "DEVICE_NOT_REGISTERED"],
    ["a frozen plan", { ...open, planState: "frozen" }, active, "PLAN_FROZEN"],
    ["an inactive plan", { ...open, planState: "inactive" }, active, "PLAN_NOT_ACTIVE"],
    ["a plan that ends later", { ...open, accessUntil: NOW + 1 }, active, "ALLOW"],
    ["a plan that ends now", { ...open, accessUntil: NOW }, active, "PLAN_NOT_ACTIVE"],
    ["a plan that ended", { ...open, accessUntil: NOW - 1 }, active, "PLAN_NOT_ACTIVE"],
    ["a stopped org", { ...open, disabled: true }, active, "ORG_DISABLED"],
    ["a revoked device of a stopped org", { ...open, disabled: true }, revoked, "ORG_DISABLED"],
    ["a revoked device, frozen plan", { ...open, planState: "frozen" }, revoked, "DEVICE_REVOKED"],
    ["a revoked device, ended plan", { ...open, accessUntil: 0 }, revoked, "DEVICE_REVOKED"],
    ["an unknown device, frozen plan", { ...open, planState: "frozen" }, undefined, "PLAN_FROZEN"],
    ["an unknown device, stopped org", { ...open, disabled: true }, undefined, "ORG_DISABLED"],
    [
      "a frozen plan that also ended",
      { ...open, planState: "frozen", accessUntil: 0 },
      active,
      "PLAN_FROZEN",
    ],
  ];

  it.each(table)("%s", (_name, org, device, code) => {
    expect(decide(org, device, NOW).code).toBe(code);
  });

  it("allows under ALLOW alone, and knows exactly the codes of the contract", () => {
    expect(Object.keys(DECISIONS).toSorted()).toEqual([...DECISION_CODES].toSorted());
    for (const [code, decision] of Object.entries(DECISIONS)) {
      expect(decision.code).toBe(code);
      expect(decision.allowed).toBe(code === "ALLOW");
    }
  });

  it("allows nothing but a known, unrevoked device of an open org with an active plan", () => {
    fc.assert(
      fc.property(
        fc.record({
          disabled: fc.boolean(),
          planState: fc.constantFrom("active", "frozen", "inactive"),
          accessUntil: fc.option(fc.integer({ min: NOW - 2, max: NOW + 2 })),
        }),
        fc.option(fc.record({ revokedAt: fc.option(fc.integer()) }), { nil: undefined }),
        (org, device) => {
          const may =
            !org.disabled &&
            org.planState === "active" &&
            (org.accessUntil === null || org.accessUntil > NOW) &&
            device?.revokedAt === null;
          expect(decide(org, device, NOW).allowed).toBe(may);
        },
      ),
    );
  });
});

describe("decideRegistration", () => {
  const capped = { ...open, limit: 3 };

  it.each([
    ["a new device below the cap", capped, undefined, 2, { outcome: "created" }],
    [
      "a new device at the cap",
      capped,
      undefined,
      3,
      { outcome: "blocked", code: "DEVICE_LIMIT_REACHED" },
    ],
    ["a known device at the cap", capped, active, 3, { outcome: "exists" }],
    ["a known device over the cap", capped, active, 9, { outcome: "exists" }],
    ["a new device without a cap", { ...open, limit: null }, undefined, 9, { outcome: "created" }],
    [
      "a new device under a cap of 0",
      { ...open, limit: 0 },
      undefined,
      0,
      { outcome: "blocked", code: "DEVICE_LIMIT_REACHED" },
    ],
    ["a revoked device", capped, revoked, 0, { outcome: "blocked", code: "DEVICE_REVOKED" }],
    [
      "a known device under a frozen plan",
      { ...capped, planState: "frozen" as const },
      active,
      1,
      { outcome: "blocked", code: "PLAN_FROZEN" },
    ],
    [
      "a new device at the cap of a stopped org",
      { ...capped, disabled: true },
      undefined,
      3,
      { outcome: "blocked", code: "ORG_DISABLED" },
    ],
  ] as const)("%s", (_name, org, device, used, expected) => {
    expect(decideRegistration(org, device, used, NOW)).toEqual(expected);
  });
});
