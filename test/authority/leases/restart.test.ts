import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { TestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";

describe("a stop after a restart", () => {
  let folder: string;
  let monotonicMs: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "machineid-restart-"));
    monotonicMs = 1_000_000;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const start = (leaseTtlMs?: number): Promise<TestAuthority> =>
    startTestAuthority({
      path: join(folder, "store.db"),
      ownerKey: OWNER_KEY,
      monotonicMs: () => monotonicMs,
      ...(leaseTtlMs === undefined ? {} : { leaseTtlMs }),
    });
  const revoke = async (authority: TestAuthority): Promise<{ version: number; state: string }> => {
    const body = { deviceId: "a", wait: "none" };
    const answer = await call(authority, "POST", "/api/v1/devices/revoke", body);
    return answer.body["stop"] as { version: number; state: string };
  };
  const stateOf = async (authority: TestAuthority, version: number): Promise<string> => {
    const { body } = await call(authority, "GET", `/api/v1/stops/${version}`);
    return (body["stop"] as { state: string }).state;
  };
  const register = (authority: TestAuthority) =>
    call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });

  it("waits its whole time when the process before was killed", async () => {
    const child = fork(fileURLToPath(import.meta.resolve("./killed-child.ts")), [
      join(folder, "store.db"),
    ]);
    await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "exit");
    await using authority = await start();
    const { version } = await revoke(authority);
    expect(await stateOf(authority, version)).toBe("pending");
    monotonicMs += 10_101;
    expect(await stateOf(authority, version)).toBe("fenced");
  });

  it("waits its whole time when the process before ended with a lease in use", async () => {
    const before = await start();
    await register(before);
    await using holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    await before.close();
    await holder.close();
    await using authority = await start();
    const { version } = await revoke(authority);
    expect(await stateOf(authority, version)).toBe("pending");
  });

  it("waits its whole time anew when it was made before, and is asked for again", async () => {
    const before = await start();
    await register(before);
    await using holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    const first = await revoke(before);
    await before.close();
    await holder.close();
    await using authority = await start();
    const { version } = await revoke(authority);
    expect(version).toBe(first.version);
    expect(await stateOf(authority, version)).toBe("pending");
    monotonicMs += 10_101;
    expect(await stateOf(authority, version)).toBe("fenced");
  });

  it("is answered at once when the process before left nothing in use", async () => {
    const before = await start();
    await register(before);
    await using holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    holder.send({ type: "unwatch", n: 2, devices: ["a"] });
    holder.n = 2;
    await holder.renew();
    await before.close();
    await using authority = await start();
    const { version } = await revoke(authority);
    expect(await stateOf(authority, version)).toBe("drained");
  });

  it("is answered at once when all that was in use was acknowledged while the process before ended", async () => {
    const before = await start();
    await register(before);
    await using holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    const { version } = await revoke(before);
    await holder.next("stop");
    const closed = before.close();
    holder.ack(version, ["a"], "drained");
    await closed;
    await using authority = await start();
    await call(authority, "POST", "/api/v1/devices/unrevoke", { deviceId: "a" });
    const next = await revoke(authority);
    expect(await stateOf(authority, next.version)).toBe("drained");
  });

  it("is never drained when it was made before: nobody knows any more what went on", async () => {
    const before = await start();
    await register(before);
    await using holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    const { version } = await revoke(before);
    await holder.next("stop");
    holder.ack(version, ["a"], "fenced");
    await holder.renew();
    expect(await stateOf(before, version)).toBe("fenced");
    await before.close();
    await using authority = await start();
    expect(await stateOf(authority, version)).toBe("fenced");
  });

  it("waits as long as leases were good for before the term was lowered", async () => {
    const before = await start(60_000);
    await register(before);
    const holder = await LeaseClient.holding(before.url, OWNER_KEY, ["a"]);
    expect(holder.received).toMatchObject([{ ttl_ms: 60_000 }]);
    await before.close();
    await using authority = await start(5_000);
    await using next = await LeaseClient.holding(authority.url, OWNER_KEY, ["a"]);
    expect(next.received).toMatchObject([{ ttl_ms: 5_000 }]);
    const { version } = await revoke(authority);
    monotonicMs += 60_599;
    expect(await stateOf(authority, version)).toBe("pending");
    monotonicMs += 2;
    expect(await stateOf(authority, version)).toBe("fenced");
  });
});
