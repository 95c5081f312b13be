import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { addressOf } from "../../src/authority/limits/address.ts";
import { RateLimiter } from "../../src/authority/limits/rate-limiter.ts";
import { RecentMap } from "../../src/authority/limits/recent-map.ts";
import { DEFAULT_LIMITS } from "../../src/authority/index.ts";
import type { Limits } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { createOrg, createScopedKey } from "../support/scoped-keys.ts";
import { failureIn } from "./answers.ts";
import { rawValidate, sendRaw } from "./raw-http.ts";

const OPEN = { perSecond: 1e9, burst: 1e9 };
/** So slow that no test sees one more. */
const only = (burst: number) => ({ perSecond: 0.001, burst });
const wrongKey = (place: number): string => `org_wrong-${String(place).padStart(20, "0")}`;

describe("limits over HTTP", () => {
  let authority: TestAuthority;
  const start = async (limits: Partial<Limits>, trustProxy = 0): Promise<void> => {
    const open = { perKey: OPEN, perOrg: OPEN, perAddress: OPEN };
    const failures = { failuresPerAddress: OPEN, failuresPerKey: OPEN };
    authority = await startTestAuthority({
      limits: { ...open, ...failures, ...limits },
      trustProxy,
    });
    await validate(authority.ownerKey);
  };
  const validate = (key: string): Promise<Answer> =>
    call({ ...authority, ownerKey: key }, "POST", "/api/v1/devices/validate", { deviceId: "a" });
  const usage = (key: string): Promise<Answer> =>
    call({ ...authority, ownerKey: key, adminKey: "" }, "GET", "/api/v1/usage");

  afterEach(async () => {
    await authority.close();
  });

  function expectTooMany(answer: Answer): void {
    expect(failureIn(answer)).toEqual([429, "TOO_MANY_REQUESTS"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  }

  it("429: after some wrong keys of an address, no further key is tried, right or wrong", async () => {
    await start({ failuresPerAddress: only(5) });
    const { secret: unseen } = await createScopedKey(authority, "viewer");
    for (let place = 0; place < 5; place += 1) {
      const ask = place % 2 === 0 ? validate : usage;
      expect(failureIn(await ask(wrongKey(place)))).toEqual([401, "ORG_KEY_INVALID"]);
    }
    expectTooMany(await validate(wrongKey(9)));
    expectTooMany(await usage(wrongKey(9)));
    expectTooMany(await usage(unseen));
    expectTooMany(await usage(""));
    expectTooMany(await call({ ...authority, adminKey: "adm_x" }, "GET", "/api/v1/org/list"));
    // Whoever was let in before is not kept out by a neighbour's guesses.
    expect((await validate(authority.ownerKey)).status).toBe(200);
    expect((await usage(authority.ownerKey)).status).toBe(200);
  });

  it("401: a key that was good and is revoked is no pass any more", async () => {
    await start({ failuresPerAddress: only(1) });
    const { secret, keyId } = await createScopedKey(authority, "viewer");
    expect((await usage(secret)).status).toBe(200);
    await call(authority, "POST", "/api/v1/keys/revoke", { keyId });
    expect(failureIn(await usage(secret))).toEqual([401, "ORG_KEY_INVALID"]);
    expectTooMany(await usage(secret));
  });

  it("429: one key asks so often, and no other key is the worse for it", async () => {
    await start({ perKey: only(3) });
    const { secret } = await createScopedKey(authority, "agent");
    const answers = [];
    for (let turn = 0; turn < 5; turn += 1) answers.push(await validate(secret));
    // The first came with a key that was not known to be good.
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429]);
    expectTooMany(answers[4] as Answer);
    expect((await usage(authority.ownerKey)).status).toBe(200);
  });

  it("429: one org validates so often with all its keys, and another org as before", async () => {
    await start({ perOrg: only(4) });
    const keys = await Promise.all([1, 2, 3].map(() => createScopedKey(authority, "agent")));
    const rival = await createOrg(authority);
    for (const { secret } of keys) expect((await validate(secret)).status).toBe(200);
    const statuses = [];
    for (let turn = 0; turn < 6; turn += 1) {
      statuses.push((await validate(keys[turn % 3]?.secret ?? "")).status);
    }
    expect(statuses.filter((status) => status === 429)).not.toHaveLength(0);
    for (let turn = 0; turn < 4; turn += 1) {
      expect((await validate(rival.ownerKey)).status).toBe(200);
    }
  });

  it("200: agents that validate too often do not keep their org from stopping them", async () => {
    await start({ perOrg: only(4) });
    const { secret: operator } = await createScopedKey(authority, "operator");
    const as = { ...authority, ownerKey: operator };
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
    // From here on it is known of which org the operator's key is.
    expect((await call(as, "GET", "/api/v1/audit")).status).toBe(200);
    const asked = await Promise.all(Array.from({ length: 9 }, () => validate(authority.ownerKey)));
    expect(asked.map(({ status }) => status)).toContain(429);
    for (const stopper of [as, authority]) {
      const revoked = await call(stopper, "POST", "/api/v1/devices/revoke", { deviceId: "a" });
      expect(revoked.status).toBe(200);
    }
  });

  it("429: a key that asks for what it may not do is told to stop", async () => {
    await start({ failuresPerKey: only(3) });
    const { secret } = await createScopedKey(authority, "agent");
    const probe = () =>
      call({ ...authority, ownerKey: secret }, "POST", "/api/v1/devices/unrevoke", {
        deviceId: "a",
      });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(failureIn(await probe())).toEqual([403, "FORBIDDEN"]);
    }
    expectTooMany(await probe());
    expect((await validate(authority.ownerKey)).status).toBe(200);
  });

  it("429: requests without a known key count for their address; health checks never", async () => {
    await start({ perAddress: only(2) });
    expect((await call(authority, "GET", "/api/v1/meta")).status).toBe(200);
    expectTooMany(await call(authority, "GET", "/api/v1/meta"));
    for (const path of ["/healthz", "/readyz"]) {
      for (let turn = 0; turn < 5; turn += 1) {
        expect((await call(authority, "GET", path)).status).toBe(200);
      }
    }
    expect((await usage(authority.ownerKey)).status).toBe(200);
  });

  it("counts for the address that the proxy names, and for no address that a client made up", async () => {
    await start({ failuresPerAddress: only(1) }, 1);
    const from = async (forwarded: string, place: number): Promise<number> => {
      const header = `x-forwarded-for: ${forwarded}`;
      const sent = rawValidate(wrongKey(place), '{"deviceId":"a"}', header);
      return (await sendRaw(authority.port, sent)).status;
    };
    expect(await from("10.0.0.1", 1)).toBe(401);
    expect(await from("10.0.0.1", 2)).toBe(429);
    expect(await from("made.up, 8.8.8.8, 10.0.0.1", 3)).toBe(429);
    expect(await from("10.0.0.1, 10.0.0.2", 4)).toBe(401);
  });

  it("both lanes keep one account", async () => {
    await start({ perKey: only(4) });
    const statuses = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const fast = rawValidate(authority.ownerKey, '{"deviceId":"a"}').toString();
      const routed = fast.replace("application/json", "application/json; charset=utf-8");
      const { status, headers } = await sendRaw(authority.port, turn % 2 === 0 ? fast : routed);
      statuses.push(status);
      expect(headers.has("retry-after")).toBe(status === 429);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  });

  it("by default let a fleet work and no guesser", async () => {
    authority = await startTestAuthority({ limits: DEFAULT_LIMITS });
    const asked = await Promise.all(
      Array.from({ length: 200 }, () => validate(authority.ownerKey)),
    );
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]));
    const guesses = await Promise.all(
      Array.from({ length: 300 }, (_, place) => usage(wrongKey(place))),
    );
    const tried = guesses.filter(({ status }) => status === 401);
    // Guesses that are under way at once are all looked up; those after them are not.
    expect(tried.length).toBeLessThan(300);
    expectTooMany(await usage(wrongKey(999)));
  });
});

describe("the rate limiter", () => {
  it("never lets more pass than its burst and its rate, whenever they come", () => {
    const pauses = fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 200 });
    // Sums of milliseconds are rounded: (120.3 + 100) - 120.3 is more than 100.
    const rounding = 1e-6;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), pauses, (burst, waits) => {
        let now = 0;
        const limiter = new RateLimiter({ perSecond: 10, burst }, () => now);
        const passed: number[] = [];
        for (const wait of waits) {
          now += wait;
          const before = limiter.waitOf("a");
          const waitMs = limiter.take("a");
          expect(waitMs > 0).toBe(before > 0);
          if (waitMs === 0) passed.push(now);
          else expect(waitMs).toBeLessThanOrEqual(100 + rounding);
        }
        for (const from of passed) {
          for (const length of [0, 100, 1_000]) {
            const count = passed.filter((at) => at >= from && at <= from + length).length;
            expect(count).toBeLessThanOrEqual(burst + length / 100 + rounding);
          }
        }
      }),
    );
  });

  it("lets pass again after the wait it named", () => {
    let now = 0;
    const limiter = new RateLimiter({ perSecond: 2, burst: 1 }, () => now);
    expect(limiter.take("a")).toBe(0);
    const waitMs = limiter.take("a");
    expect(waitMs).toBe(500);
    expect(limiter.take("b")).toBe(0);
    now += waitMs;
    expect(limiter.take("a")).toBe(0);
  });
});

describe("a recent map", () => {
  it("keeps what is used, and never more than its bound", () => {
    const map = new RecentMap<number>(10);
    for (let place = 0; place < 1_000; place += 1) {
      map.set(`k${place}`, place);
      map.set("used", place);
    }
    expect(map.get("used")).toBe(999);
    const kept = Array.from({ length: 1_000 }, (_, place) => map.get(`k${place}`)).filter(
      (value) => value !== undefined,
    );
    expect(kept.length).toBeLessThanOrEqual(10);
    map.delete("used");
    expect(map.get("used")).toBeUndefined();
  });
});

describe("the address of a request", () => {
  const of = (remoteAddress: string | undefined, forwarded?: string, proxies = 0): string =>
    addressOf(
      {
        headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
        socket: { remoteAddress },
      },
      proxies,
    );

  it.each([
    ["127.0.0.1", undefined, 0, "127.0.0.1"],
    ["::ffff:10.1.2.3", undefined, 0, "10.1.2.3"],
    ["2001:db8:1:2:3:4:5:6", undefined, 0, "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", undefined, 0, "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::", undefined, 0, "2001:db8:1:2::/64"],
    ["::1", undefined, 0, "0:0:0:0::/64"],
    ["fe80::1%eth0", undefined, 0, "fe80:0:0:0::/64"],
    [undefined, undefined, 0, ""],
    ["10.0.0.9", "1.1.1.1", 0, "10.0.0.9"],
    ["10.0.0.9", "1.1.1.1", 1, "1.1.1.1"],
    ["10.0.0.9", "1.1.1.1, 2.2.2.2", 1, "2.2.2.2"],
    ["10.0.0.9", "1.1.1.1, 2.2.2.2", 2, "1.1.1.1"],
    ["10.0.0.9", "6.6.6.6,1.1.1.1 , 2.2.2.2", 2, "1.1.1.1"],
    ["10.0.0.9", "nonsense", 1, "10.0.0.9"],
    ["10.0.0.9", "", 1, "10.0.0.9"],
    ["10.0.0.9", undefined, 1, "10.0.0.9"],
  ] as const)("%s, forwarded for %s behind %i proxies, is %s", (remote, forwarded, proxies, is) => {
    expect(of(remote, forwarded, proxies)).toBe(is);
  });
});
