import { afterEach, describe, expect, it } from "vitest";
import { orgEventSchema } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { live, openEvents } from "../support/event-reader.ts";
import { createScopedKey } from "../support/scoped-keys.ts";

const started: TestAuthority[] = [];
async function start(options?: Parameters<typeof startTestAuthority>[0]): Promise<TestAuthority> {
  const authority = await startTestAuthority(options);
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

describe("the event stream, by role", () => {
  it.each(["owner", "operator", "viewer"] as const)(
    "is open to the role %s until its key is revoked, however much there is to tell",
    async (role) => {
      const authority = await start({ events: { heartbeatMs: 20 } });
      const { secret, keyId } = await createScopedKey(authority, role);
      await using events = await openEvents({ ...authority, ownerKey: secret });
      await live(authority, "a", ["register"]);
      expect((await events.next())?.data["deviceId"]).toBe("a");
      await call(authority, "POST", "/api/v1/keys/revoke", { keyId });
      const work = new AbortController();
      const busy = (async () => {
        while (!work.signal.aborted) await live(authority, "a", ["validate"]);
      })();
      while ((await events.next()) !== undefined);
      work.abort();
      await busy;
      await using again = await openEvents({ ...authority, ownerKey: secret });
      expect(again.response.status).toBe(401);
    },
  );

  it("is closed to the role agent, and says so in the audit", async () => {
    const authority = await start();
    const { secret, keyId } = await createScopedKey(authority, "agent");
    await using watching = await openEvents(authority);
    const { status, body } = await call(
      { ...authority, ownerKey: secret },
      "GET",
      "/api/v1/events",
    );
    expect([status, body["code"]]).toEqual([403, "FORBIDDEN"]);
    expect((await watching.next())?.data).toMatchObject({ by: keyId, code: "FORBIDDEN" });
  });

  it("tells of stops, keys and refusals, and of no key", async () => {
    const authority = await start();
    await using events = await openEvents(authority);
    const { secret, keyId } = await createScopedKey(authority, "operator");
    const as = { ...authority, ownerKey: secret };
    await call(as, "POST", "/api/v1/org/stop", { reason: "drill" });
    await call(as, "POST", "/api/v1/keys/create", { role: "viewer" });
    await call(as, "POST", "/api/v1/org/resume", {});
    const told = await events.take(4);
    expect(told.map(({ data }) => [data["operation"], data["code"]])).toEqual([
      ["key_create", undefined],
      ["org_stop", undefined],
      ["key_create", "FORBIDDEN"],
      ["org_resume", undefined],
    ]);
    expect(told[1]?.data).toMatchObject({ by: keyId, detail: { reason: "drill" } });
    for (const { data } of told) expect(orgEventSchema.safeParse(data).success).toBe(true);
    expect(events.raw()).not.toContain(secret);
  });
});
