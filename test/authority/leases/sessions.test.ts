import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { TestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";
import { createOrg, createScopedKey } from "../../support/scoped-keys.ts";

interface Page {
  readonly sessions: number;
  readonly devices: readonly { deviceId: string; sessions: number; lost: number }[];
  readonly cursor: string | null;
}

describe("the sessions of an org", () => {
  let authority: TestAuthority;
  let monotonicMs: number;

  const register = (deviceId: string) =>
    call(authority, "POST", "/api/v1/devices/register", { deviceId });
  const hold = (devices: readonly string[]): Promise<LeaseClient> =>
    LeaseClient.holding(authority.url, authority.ownerKey, devices);
  const read = async (query = "", from = authority): Promise<Page> => {
    // What was counted before is not kept any longer.
    monotonicMs += 500;
    const { status, body } = await call(from, "GET", `/api/v1/sessions${query}`);
    expect({ status, body }).toMatchObject({ status: 200, body: { handler: "sessions" } });
    return body as unknown as Page;
  };

  beforeEach(async () => {
    monotonicMs = 1_000_000;
    authority = await startTestAuthority({ monotonicMs: () => monotonicMs });
    await register("a");
    await register("b");
  });
  afterEach(() => authority.close());

  it("are counted for each device that they watch", async () => {
    expect(await read()).toMatchObject({ sessions: 0, devices: [], complete: true, cursor: null });
    await using one = await hold(["a", "b"]);
    await hold(["a"]);
    await hold([]);
    expect(await read()).toMatchObject({
      sessions: 3,
      devices: [
        { deviceId: "a", sessions: 2, lost: 0 },
        { deviceId: "b", sessions: 1, lost: 0 },
      ],
      cursor: null,
    });
    one.n += 1;
    one.send({ type: "unwatch", devices: ["a"], n: one.n });
    await one.renew();
    expect((await read()).devices[0]).toEqual({ deviceId: "a", sessions: 1, lost: 0 });
  });

  it("are lost when their channel is gone and something may run", async () => {
    const holder = await hold(["a"]);
    const denied = await hold(["unknown"]);
    holder.socket.terminate();
    denied.socket.terminate();
    let page = await read();
    while (page.sessions > 0) page = await read();
    expect(page.devices).toEqual([{ deviceId: "a", sessions: 0, lost: 1 }]);
  });

  it("that were asked about one device strictly have to do with it while that is good", async () => {
    await using channel = await hold([]);
    await channel.check(["a"]);
    expect((await read()).devices).toEqual([{ deviceId: "a", sessions: 1, lost: 0 }]);
    monotonicMs += 10_000;
    expect((await read()).devices).toEqual([]);
  });

  it("come in pages, in the order of ids", async () => {
    const names = Array.from({ length: 501 }, (_, index) => `w:${String(index).padStart(3, "0")}`);
    for (const name of names) await register(name);
    await hold(names.toReversed());
    const first = await read();
    expect(first.devices.map(({ deviceId }) => deviceId)).toEqual(names.slice(0, 500));
    expect(first.cursor).toBe("w:499");
    const second = await read(`?cursor=${encodeURIComponent(first.cursor ?? "")}`);
    expect(second).toMatchObject({ devices: [{ deviceId: "w:500" }], cursor: null });
  });

  it("are counted once for all who ask soon after", async () => {
    expect((await read()).sessions).toBe(0);
    await hold(["a"]);
    monotonicMs -= 1;
    expect((await read()).sessions).toBe(0);
    expect((await read()).sessions).toBe(1);
  });

  it("do not name what an agent may not, or nobody has registered", async () => {
    const { secret } = await createScopedKey(authority, "agent", { devicePattern: "a*" });
    await LeaseClient.holding(authority.url, secret, ["a", "b", "c"]);
    expect(await read()).toMatchObject({ sessions: 1, devices: [{ deviceId: "a" }] });
    expect((await read()).devices).toHaveLength(1);
  });

  it("of another org are not told", async () => {
    await hold(["a"]);
    const { ownerKey } = await createOrg(authority);
    expect(await read("", { ...authority, ownerKey })).toMatchObject({ sessions: 0, devices: [] });
  });
});
