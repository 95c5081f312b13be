import { expect, test } from "vitest";
import { sqliteStore } from "../../../src/authority/index.ts";
import type { Store } from "../../../src/authority/index.ts";
import { call, startTestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";
import { replaced } from "../../support/replaced.ts";

/** A store whose change log names no changes any more once it is told to forget them. */
async function forgetful(): Promise<{ readonly store: Store; readonly forget: () => void }> {
  const real = await sqliteStore(":memory:");
  let isForgotten = false;
  const changes: Store["changes"] = async (...asked) => {
    const read = await real.changes(...asked);
    return isForgotten ? { ...read, changes: [] } : read;
  };
  const forget = (): void => {
    isForgotten = true;
  };
  return { store: replaced(real, "changes", changes), forget };
}

test("where the log does not say what was changed, every org's sessions are decided anew", async () => {
  const { store, forget } = await forgetful();
  // Time stands still: nothing ends by itself.
  await using authority = await startTestAuthority({ store, monotonicMs: () => 1_000_000 });
  const { body } = await call(authority, "POST", "/api/v1/org/create", { name: "other" });
  const other = { ...authority, ownerKey: String(body["orgApiKey"]) };
  for (const org of [authority, other]) {
    for (const deviceId of ["a", "b"]) {
      await call(org, "POST", "/api/v1/devices/register", { deviceId });
    }
  }
  await using mine = await LeaseClient.holding(authority.url, authority.ownerKey, ["a", "b"]);
  await using theirs = await LeaseClient.holding(authority.url, other.ownerKey, ["a", "b"]);
  forget();
  const revoke = (org: typeof authority, deviceId: string) =>
    call(org, "POST", "/api/v1/devices/revoke", { deviceId });
  const first = await revoke(authority, "a");
  const told = await mine.next("stop");
  expect(told).toMatchObject({ devices: ["a"], code: "DEVICE_REVOKED" });
  expect(told.version).toBeGreaterThanOrEqual(Number(first.body["version"]));
  mine.ack(told.version, ["a"], "drained");
  // What comes after it on the channel is answered, so it was taken.
  await mine.renew();
  await revoke(other, "b");
  expect(await theirs.next("stop")).toMatchObject({ devices: ["b"], code: "DEVICE_REVOKED" });
  // Each was told of its own org's alone.
  expect((await theirs.renew()).decisions).toMatchObject({ a: { allowed: true } });
  expect(theirs.received.filter(({ type }) => type === "stop")).toHaveLength(1);
  expect(mine.received.filter(({ type }) => type === "stop")).toHaveLength(1);
});
