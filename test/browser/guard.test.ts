import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { CHROMIUM, Pages } from "./browser.ts";
import type { GuardedPage } from "./browser.ts";
import type { PageOptions } from "./page.ts";

/** Short, so that what is good for so long is seen to end. */
const LEASE_MS = 1000;

// Skipped where no Chromium is installed: CHROMIUM names one that is elsewhere.
describe.skipIf(CHROMIUM === undefined)("a guard in a browser", () => {
  let pages: Pages;
  let authority: TestAuthority;
  let machineid: MachineID;
  let next = 0;

  beforeAll(async () => {
    pages = await Pages.open();
    authority = await startTestAuthority({ corsOrigins: [pages.origin], leaseTtlMs: LEASE_MS });
    machineid = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
  });

  afterAll(async () => {
    await pages?.[Symbol.asyncDispose]();
    await authority?.close();
  });

  /** A page with a guard in it, of a device that is registered. */
  async function open(
    enforcement: PageOptions["enforcement"],
    { url: baseUrl, ownerKey: orgKey } = authority,
  ): Promise<GuardedPage & { deviceId: string }> {
    next += 1;
    const deviceId = `page-${next}`;
    await new MachineID({ orgKey, baseUrl }).register(deviceId);
    const options = { baseUrl, orgKey, deviceId, enforcement, checkTimeoutMs: 5000 };
    return { ...(await pages.guard(options)), deviceId };
  }

  test.each(["lease", "auto"] as const)(
    "%s: a revoke reaches what runs, and is answered when it has ended",
    async (enforcement) => {
      const { page, run, addresses, deviceId } = await open(enforcement);
      await run("goOn");
      expect(await run("told")).toEqual({ status: "armed", stops: [], bodies: 1 });
      const answer = await machineid.revoke(deviceId, { wait: "drained" });
      expect(answer).toMatchObject({ stop: { state: "drained", holders: 1, drained: 1 } });
      expect(await run("told")).toEqual({
        status: "stopped",
        stops: ["DEVICE_REVOKED"],
        bodies: 1,
      });
      expect(await run("work")).toBe("DEVICE_REVOKED");
      await machineid.unrevoke(deviceId);
      await vi.waitUntil(async () => (await run("work")) === "ran");
      // The key travels in no address: those are logged on their way.
      expect(addresses.some((address) => address.startsWith("ws:"))).toBe(true);
      expect(addresses.filter((address) => address.includes(authority.ownerKey))).toEqual([]);
      await page.close();
    },
  );

  test("strict: nothing begins once a revoke was answered", async () => {
    const { page, run, deviceId } = await open("strict");
    expect(await run("work")).toBe("ran");
    await machineid.revoke(deviceId);
    expect(await run("work")).toBe("DEVICE_REVOKED");
    await page.close();
  });

  test("without a network nothing begins once the lease is over", async () => {
    const { page, run, deviceId } = await open("lease");
    expect(await run("work")).toBe("ran");
    await page.context().setOffline(true);
    const answer = await machineid.revoke(deviceId, { wait: "fenced" });
    expect(answer).toMatchObject({ stop: { state: "fenced" } });
    expect(await run("work")).toBe("LEASE_EXPIRED");
    expect(await run("told")).toMatchObject({ status: "blind", bodies: 1 });
    await page.context().setOffline(false);
    await vi.waitUntil(async () => (await run("work")) === "DEVICE_REVOKED", { timeout: 30_000 });
    await page.close();
  });

  test("a page that was held still past its lease begins nothing on it", async () => {
    const { page, run, deviceId } = await open("lease");
    await run("goOn");
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Debugger.enable");
    await devtools.send("Debugger.pause");
    const wait = { wait: "drained", waitTimeoutMs: 2 * LEASE_MS } as const;
    // What runs in it nobody hears of, so it is not said to have ended.
    expect(await machineid.revoke(deviceId, wait)).toMatchObject({ stop: { state: "fenced" } });
    await devtools.send("Debugger.resume");
    await devtools.send("Debugger.disable");
    expect(await run("work")).toMatch(/DEVICE_REVOKED|LEASE_EXPIRED/);
    await vi.waitUntil(async () => (await run("told")).stops[0] === "DEVICE_REVOKED");
    expect((await run("told")).bodies).toBe(1);
    await page.close();
  });

  test.each(["lease", "auto", "strict"] as const)(
    "%s: a page whose origin was not named begins nothing",
    async (enforcement) => {
      await using closed = await startTestAuthority();
      const { page, run } = await open(enforcement, closed);
      expect(await run("work")).toMatch(/AUTHORITY_UNREACHABLE|LEASE_EXPIRED/);
      expect((await run("told")).bodies).toBe(0);
      await page.close();
    },
  );
});
