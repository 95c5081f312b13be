import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPolicy } from "../../../../integrations/mcp/gate/policy.ts";
import { wellFormed } from "../../../../integrations/mcp/gate/well-formed.ts";
import { parseJson } from "../../../../src/cli/gate/json.ts";

const MEMBERS = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

describe("a message", () => {
  test("is made of the protocol's own members, or is none", () => {
    const names = fc.constantFrom(...MEMBERS, "Method", "METHOD", "__proto__", "extra");
    const values = fc.oneof(
      fc.constantFrom("2.0", "tools/call", "ping", null, 1, 0, ""),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values)), (entries) => {
        const text = `{"jsonrpc":"2.0",${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
        fc.pre(entries.length > 0);
        const message = wellFormed(JSON.parse(text));
        if (message === undefined) return;
        const keys = Object.keys(message);
        expect(keys.filter((key) => !MEMBERS.has(key))).toEqual([]);
        const isCall = typeof message.method === "string";
        expect(keys.filter((key) => key === "result" || key === "error")).toHaveLength(
          isCall ? 0 : 1,
        );
        expect(isCall || message.id !== undefined).toBe(true);
      }),
    );
  });

  test.each([
    [{ jsonrpc: "2.0", id: 1, method: "tools/call", result: {} }],
    [{ jsonrpc: "2.0", id: 1, method: ["tools/call"] }],
    [{ jsonrpc: "2.0", id: null, method: "tools/call" }],
    [{ jsonrpc: "2.0", id: {}, method: "tools/call" }],
    [{ jsonrpc: "2.0", id: 1, method: "tools/call", params: [] }],
    [{ jsonrpc: "2.0", id: 1, result: {}, error: {} }],
    [{ jsonrpc: "2.0", result: {} }],
    [{ jsonrpc: "1.0", id: 1, method: "ping" }],
    [[{ jsonrpc: "2.0", id: 1, method: "ping" }]],
    ["ping"],
    [null],
  ])("is none: %j", (given) => {
    expect(wellFormed(given)).toBeUndefined();
  });
});

describe("JSON", () => {
  test("is written as it was read, numbers and all", () => {
    const text =
      '{"a":1.0,"b":12345678901234567890,"c":[-0.10,1e3,1E-2],"d":"1.0, 12345678901234567890","e":0.1}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test("reads as it ever did where nothing is lost", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
    );
  });

  test("that is none is an error", () => {
    expect(() => parseJson('{"a":1.0')).toThrow(SyntaxError);
  });
});

describe("patterns", () => {
  const allows = (pattern: string, name: string): boolean =>
    createPolicy({ allow: [pattern] }).mayList(name);

  test.each([
    ["read", "read", true],
    ["read", "reader", false],
    ["read*", "read", true],
    ["*", "", true],
    ["*file", "read_file", true],
    ["*file", "read_files", false],
    ["r*d_*e", "read_file", true],
    ["a*a", "a", false],
    ["a.c", "abc", false],
    ["[ab]", "a", false],
    ["*a*a*b", `${"a".repeat(50_000)}c`, false],
    ["READ", "read", false],
    ["a*", "a\nb", true],
  ])("%s and %s", (pattern, name, expected) => {
    expect(allows(pattern, name)).toBe(expected);
  });

  test("a denial wins over an allow, and an empty list allows nothing", () => {
    const policy = createPolicy({ allow: ["*"], deny: ["write*"] });
    expect([policy.mayList("read"), policy.mayList("write_file")]).toEqual([true, false]);
    expect(createPolicy({ allow: [] }).mayList("read")).toBe(false);
    expect(policy.mayList(undefined)).toBe(false);
  });
});

test("every request begins work, but for those that are known not to", () => {
  const policy = createPolicy();
  const isGated = (method: string): boolean =>
    policy.boundaryOf({ jsonrpc: "2.0", id: 1, method }) !== undefined;
  expect(isGated("tools/call")).toBe(true);
  for (const method of ["tools/Call", "acme/run", "", "constructor", "tasks/result", "tasks/get"]) {
    expect(isGated(method)).toBe(true);
  }
  expect(isGated("notifications/anything")).toBe(true);
  for (const method of ["ping", "tools/list", "tasks/cancel", "notifications/initialized"]) {
    expect(isGated(method)).toBe(false);
  }
  fc.assert(
    fc.property(fc.string(), (method) => {
      fc.pre(!/^(?:initialize|ping)$/.test(method));
      expect(isGated(method)).toBe(true);
    }),
  );
});
