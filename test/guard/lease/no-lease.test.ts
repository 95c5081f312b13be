import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createGuard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, manualClock, TOOL } from "./scene.ts";

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
    "opens lease channels",
  );
});

test("a guard whose channel is lost says that it is degraded, and blind when its lease is over", async () => {
  const leases = scriptedLeases();
  leases.ttlMs = 100;
  const seen: string[] = [];
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
    onEvent: (event) => event.type === "status" && seen.push(event.to),
  });
  await guard.check(TOOL);
  leases.refuses = true;
  leases.cut();
  await expect.poll(() => seen).toEqual(["armed", "degraded", "blind"]);
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  leases.refuses = false;
  await expect
    .poll(() => seen, { timeout: 10_000 })
    .toEqual(["armed", "degraded", "blind", "armed"]);
  await guard.close();
});

test("guards with clocks of their own hold leases of their own", async () => {
  const leases = scriptedLeases();
  const options = { deviceId: "a", enforcement: "lease", register: false } as const;
  const behind = createGuard(leases.client, { ...options, clock: manualClock() });
  const guard = createGuard(leases.client, options);
  await behind.check(TOOL);
  await guard.check(TOOL);
  expect(leases.opened).toBe(2);
  await Promise.all([behind.close(), guard.close()]);
});
