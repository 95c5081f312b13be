import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createGuard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, TOOL } from "./scene.ts";

test("where no channel can be opened nothing begins", async () => {
  const leases = scriptedLeases();
  leases.refuses = true;
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
  });
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("AUTHORITY_UNREACHABLE");
  expect(guard.status).toBe("blind");
  await guard.close();
});

test.each([
  "",
  "{}",
  "[]",
  "null",
  '{"type":"grant"}',
  '{"type":"grant","n":N,"version":1,"ttl_ms":"10000","decisions":{"a":{"allowed":true}}}',
  '{"type":"grant","n":N,"version":1,"ttl_ms":1e999,"decisions":{"a":{"allowed":true}}}',
  '{"type":"grant","n":N,"ttl_ms":10000,"decisions":{"a":{"allowed":true}}}',
  '{"type":"grant","n":N,"version":1.5,"ttl_ms":10000,"decisions":{"a":{"allowed":true}}}',
  '{"type":"grant","n":N,"version":1,"ttl_ms":10000,"decisions":{"a":{"allowed":"true"}}}',
  '{"type":"grant","n":N,"version":1,"ttl_ms":10000,"decisions":{"a":true}}',
  '{"type":"grant","n":N,"version":1,"ttl_ms":10000,"decisions":{"b":{"allowed":true}}}',
  '{"type":"grant","n":999999,"version":1,"ttl_ms":10000,"decisions":{"a":{"allowed":true}}}',
])("no lease comes of %s", async (frame) => {
  const leases = scriptedLeases();
  leases.answers = false;
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
    checkTimeoutMs: 50,
  });
  const first = codeOf(guard.protect(TOOL, () => "ran"));
  await nextTurn();
  const { n = -1 } = leases.all("renew")[0] ?? {};
  leases.raw(frame.replace("N", String(n)));
  expect(await first).not.toBe("allowed");
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).not.toBe("allowed");
  await guard.close();
});

test("a client that opens no channel cannot be leased by", () => {
  const { client } = scriptedLeases();
  const plain = { request: client.request.bind(client) };
  expect(() => createGuard(plain, { deviceId: "a", enforcement: "lease" })).toThrow(
    "openLeaseChannel",
  );
});
