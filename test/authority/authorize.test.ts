import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { authorize, isLive, PERMISSIONS } from "../../src/authority/authorize.ts";
import type { KeyStanding, Permission } from "../../src/authority/authorize.ts";
import { decideRestore, RESTORE_REQUEST_MS } from "../../src/authority/restore.ts";
import { KEY_PREFIXES, KEY_ROLES, matchesDevice, readDevicePattern } from "../../src/wire/index.ts";

const key = (terms: Partial<KeyStanding>): KeyStanding => ({
  id: "key_0",
  role: "owner",
  devicePattern: null,
  deviceOwner: null,
  expiresAt: null,
  revokedAt: null,
  replacedBy: null,
  ...terms,
});

const permissions = Object.keys(PERMISSIONS) as Permission[];
const id = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });

describe("the table of rights", () => {
  it("is this one: a change here is a change of what keys in the field may do", () => {
    const rights = Object.fromEntries(
      KEY_ROLES.map((role) => [
        KEY_PREFIXES[role],
        permissions.filter((each) => (PERMISSIONS[each] as readonly string[]).includes(role)),
      ]),
    );
    expect(rights).toEqual({
      org_: permissions,
      opr_: [
        "devices:list",
        "devices:revoke",
        "devices:unrevoke",
        "devices:remove",
        "stops:read",
        "sessions:read",
        "org:read",
        "org:stop",
        "org:resume",
        "audit:read",
      ],
      agt_: ["devices:register", "devices:validate"],
      viw_: ["devices:list", "usage:read", "stops:read", "sessions:read", "org:read", "audit:read"],
    });
  });

  it("lets an agent's key do nothing without a device, or without a pattern", () => {
    for (const permission of permissions) {
      const agent = key({ role: "agent", devicePattern: "*" });
      expect(authorize(agent, permission)).not.toBe("allowed");
      expect(authorize(key({ role: "agent" }), permission, "a")).not.toBe("allowed");
    }
  });

  it("lets the administrator's key do nothing in any org", () => {
    for (const permission of permissions) {
      expect(authorize(key({ role: "admin" }), permission, "a")).toBe("role");
    }
  });
});

describe("device patterns", () => {
  it.each(["a*b", "*a", "**", "a**", "", "  ", "a\n*", "x".repeat(257)])(
    "%j is none",
    (pattern) => {
      expect(readDevicePattern(pattern).problem).toEqual(expect.any(String));
    },
  );

  it("cover what they equal, or what begins as they do, and nothing else", () => {
    const word = id.filter((text) => readDevicePattern(text).pattern !== undefined);
    fc.assert(
      fc.property(word, fc.string({ unit: "grapheme" }), (text, rest) => {
        const prefix = text.replace(/\*$/, "");
        expect(matchesDevice(`${prefix}*`, prefix + rest)).toBe(true);
        expect(matchesDevice(`${prefix}*`, rest)).toBe(rest.startsWith(prefix));
        if (prefix !== "") expect(matchesDevice(prefix, prefix + rest)).toBe(rest === "");
      }),
    );
  });
});

describe("a key", () => {
  it("is live until it expires or is revoked", () => {
    expect(isLive(key({}), 5)).toBe(true);
    expect(isLive(key({ expiresAt: 6 }), 5)).toBe(true);
    expect(isLive(key({ expiresAt: 5 }), 5)).toBe(false);
    expect(isLive(key({ revokedAt: 9 }), 5)).toBe(false);
  });
});

describe("a restore", () => {
  const NOW = 10 * RESTORE_REQUEST_MS;
  const keys = ["one", "two", "three"].map((name) => key({ id: name, role: "operator" }));

  it("is never granted on an older version, nor with one key where two are needed", () => {
    fc.assert(
      fc.property(
        fc.record({
          twoPersonRestore: fc.boolean(),
          asking: fc.constantFrom(...keys),
          ifVersion: fc.option(fc.nat(5), { nil: undefined }),
          version: fc.nat(5),
          request: fc.option(
            fc.record({
              by: fc.constantFrom("one", "two", "three", "gone"),
              at: fc.constantFrom(0, NOW - RESTORE_REQUEST_MS, NOW - 1, NOW),
            }),
          ),
          rotated: fc.constantFrom(null, "two", "three"),
          revoked: fc.constantFrom(null, 1),
        }),
        ({ twoPersonRestore, asking, ifVersion, version, request, rotated, revoked }) => {
          const org = keys.map((each) =>
            each.id === "one" ? { ...each, replacedBy: rotated, revokedAt: revoked } : each,
          );
          const keyById = (name: string) => org.find((each) => each.id === name);
          const context = { org: { twoPersonRestore }, key: asking, at: NOW, ifVersion, keyById };
          const decision = decideRestore(
            { ...context, key: keyById(asking.id) ?? asking },
            { version, request },
          );
          const isLate = ifVersion !== undefined && version > ifVersion;
          // The hands a key is in: a rotated key's are those of its successor.
          const hands = (name: string) => (name === "one" ? (rotated ?? name) : name);
          const seconded =
            request !== null &&
            request.by !== "gone" &&
            hands(request.by) !== hands(asking.id) &&
            NOW - request.at < RESTORE_REQUEST_MS &&
            !(request.by === "one" && revoked !== null);
          const granted = twoPersonRestore && !seconded ? "pending" : "restored";
          expect(decision).toBe(isLate ? "conflict" : granted);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
