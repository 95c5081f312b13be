import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { orgEventSchema } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { live, openEvents } from "../support/event-reader.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { openSocket } from "./raw-http.ts";

const started: TestAuthority[] = [];
async function start(options?: Parameters<typeof startTestAuthority>[0]): Promise<TestAuthority> {
  const authority = await startTestAuthority(options);
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

/** Another org of the same authority. */
async function otherOrg(authority: TestAuthority): Promise<TestAuthority> {
  const { body } = await call(authority, "POST", "/api/v1/org/create", { name: "other" });
  return { ...authority, ownerKey: String(body["orgApiKey"]) };
}

const scraped = async (authority: TestAuthority, name: string): Promise<number> => {
  const response = await fetch(`${authority.url}/metrics`, {
    headers: { "x-admin-key": authority.adminKey },
  });
  const line = (await response.text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ")[1]);
};

describe("the event stream", () => {
  it("tells of every change and every decision, in their order, with what the audit says", async () => {
    const authority = await start();
    await live(authority, "before", ["register"]);
    await using events = await openEvents(authority);
    expect(events.response.headers.get("content-type")).toBe("text/event-stream");
    expect(events.response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    await live(authority, "a", [
      "register",
      "validate",
      "revoke",
      "validate",
      "unrevoke",
      "remove",
    ]);
    const told = await events.take(6);
    expect(told.map(({ name, data }) => [name, data["operation"], data["code"]])).toEqual([
      ["change", "register", undefined],
      ["decision", "validate", "ALLOW"],
      ["change", "revoke", undefined],
      ["decision", "validate", "DEVICE_REVOKED"],
      ["change", "unrevoke", undefined],
      ["change", "remove", undefined],
    ]);
    for (const { name, data } of told) {
      expect(orgEventSchema.safeParse(data).success).toBe(true);
      expect(data).toMatchObject({ type: name, deviceId: "a" });
      expect(data).not.toHaveProperty("prev");
    }
    expect(events.raw()).not.toContain(authority.ownerKey);
  });

  it("names all devices that one request got the same decision on", async () => {
    const authority = await start();
    await live(authority, "a", ["register"]);
    await using events = await openEvents(authority);
    await using client = await LeaseClient.holding(authority.url, authority.ownerKey, []);
    await client.check(["a", "b", "c"]);
    const told = await events.take(2);
    expect(told.map(({ data }) => orgEventSchema.parse(data))).toMatchObject([
      { type: "decision", deviceId: "a", code: "ALLOW" },
      { type: "decision", deviceIds: ["b", "c"], code: "DEVICE_NOT_REGISTERED" },
    ]);
  });

  it("goes on after the event that was seen last, with none missing and none twice", async () => {
    const authority = await start();
    const ids: string[] = [];
    let lastId: string;
    {
      await using events = await openEvents(authority);
      await live(authority, "a", ["register", "revoke"]);
      for (const { data } of await events.take(2)) ids.push(String(data["operation"]));
      lastId = events.lastId();
    }
    await live(authority, "a", ["unrevoke", "validate"]);
    await using events = await openEvents(authority, { "last-event-id": lastId });
    await live(authority, "a", ["remove"]);
    for (const { data } of await events.take(3)) ids.push(String(data["operation"]));
    expect(ids).toEqual(["register", "revoke", "unrevoke", "validate", "remove"]);
  });

  it("can be resumed before anything was told, and catches up over many pages", async () => {
    const authority = await start();
    const first = await openEvents(authority);
    const lastId = first.lastId();
    await first[Symbol.asyncDispose]();
    expect(lastId).toMatch(/^\d+\.\d+$/);
    await live(authority, "a", ["register"]);
    const checks = Array.from({ length: 950 }, () => live(authority, "a", ["validate"]));
    await Promise.all(checks);
    await using events = await openEvents(authority, { "last-event-id": lastId });
    const told = await events.take(951);
    const seqs = told.map(({ id }) => Number(id.split(".")[1]));
    expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
  });

  it("tells only events of the asked type, and lets the id go on without them", async () => {
    const authority = await start({ events: { heartbeatMs: 20 } });
    await using events = await openEvents(authority, {}, "?type=change");
    await live(authority, "a", ["register"]);
    expect((await events.next())?.data["operation"]).toBe("register");
    const [chain, seq] = events.lastId().split(".");
    await live(authority, "a", ["validate", "validate"]);
    const next = events.next();
    await vi.waitUntil(() => events.lastId() === `${chain}.${Number(seq) + 2}`);
    await live(authority, "b", ["register"]);
    expect((await next)?.data["deviceId"]).toBe("b");
    expect(events.raw()).not.toContain('"decision"');
  });

  it("says that it lives", async () => {
    const authority = await start({ events: { heartbeatMs: 10 } });
    await using events = await openEvents(authority);
    await live(authority, "a", ["register"]);
    await events.next();
    const reading = events.next();
    await vi.waitUntil(() => events.raw().split(": alive").length > 3);
    await live(authority, "b", ["register"]);
    expect((await reading)?.data["deviceId"]).toBe("b");
  });

  it("never tells of another org, whatever id it is to go on from", async () => {
    const authority = await start();
    const other = await otherOrg(authority);
    await using mine = await openEvents(authority);
    await using theirs = await openEvents(other);
    await live(authority, "mine", ["register", "revoke"]);
    await live(other, "theirs", ["register", "validate"]);
    await mine.take(2);
    await theirs.take(2);
    for (const lastId of ["1.0", "2.0", "3.0", "1.0_2.0_3.0", mine.lastId(), "99.99"]) {
      await using events = await openEvents(other, { "last-event-id": lastId });
      await live(other, "last", ["register", "remove"]);
      for (;;) {
        const event = await events.next();
        expect(event?.data["deviceId"]).not.toBe("mine");
        if (event?.data["operation"] === "remove") break;
      }
      expect(events.raw()).not.toContain('"mine"');
    }
    expect(mine.raw()).not.toContain("theirs");
  });

  it("says reset when it cannot go on from there", async () => {
    const authority = await start();
    await live(authority, "a", ["register"]);
    const first = await openEvents(authority);
    const [chain] = first.lastId().split(".");
    await first[Symbol.asyncDispose]();
    for (const lastId of [`${chain}.4711`, "99.1"]) {
      await using events = await openEvents(authority, { "last-event-id": lastId });
      expect((await events.next())?.name).toBe("reset");
      await live(authority, "a", ["revoke", "unrevoke"]);
      expect((await events.next())?.data["operation"]).toBe("revoke");
    }
  });

  it.each(["x", "1", "1.", "1.2_", "1.2_3", "-1.2", "1.2.3", "9".repeat(40_000)])(
    "refuses the id %#, which no event has",
    async (lastId) => {
      const authority = await start();
      await using events = await openEvents(authority, { "last-event-id": lastId.slice(0, 9_000) });
      expect(events.response.status).toBe(400);
    },
  );

  it("needs a key, and a type that there is", async () => {
    const authority = await start();
    const { status, body } = await call(authority, "GET", "/api/v1/events?type=rumour");
    expect([status, body["code"]]).toEqual([400, "REQUEST_MALFORMED"]);
    for (const ownerKey of ["", "org_stranger-0123456789abcdef", authority.adminKey]) {
      expect((await call({ ...authority, ownerKey }, "GET", "/api/v1/events")).status).toBe(401);
    }
    const head = await fetch(`${authority.url}/api/v1/events`, {
      method: "HEAD",
      headers: { "x-org-key": authority.ownerKey },
    });
    expect(head.status).toBe(200);
  });

  it("cuts off a reader that does not read, and holds back no more than a page for it", async () => {
    const authority = await start({ events: { stallMs: 50 } });
    const socket = await openSocket(authority.port);
    socket.pause();
    const closed = once(socket, "close");
    socket.write(
      `GET /api/v1/events HTTP/1.1\r\nhost: a\r\nx-org-key: ${authority.ownerKey}\r\n\r\n`,
    );
    await vi.waitUntil(async () => (await scraped(authority, "machineid_event_streams")) === 1);
    // Until what the kernel holds for it is full: device ids are long, so that it soon is.
    const deviceIds = Array.from({ length: 150 }, (_, n) => `${n}`.padStart(250, "d"));
    await Promise.all(deviceIds.map((id) => live(authority, id, ["register"])));
    while ((await scraped(authority, "machineid_event_streams")) === 1) {
      for (const batch of ["revoke_batch", "unrevoke_batch"]) {
        await call(authority, "POST", `/api/v1/devices/${batch}`, { deviceIds });
      }
    }
    expect(await scraped(authority, "machineid_event_streams_cut_off_total")).toBe(1);
    socket.resume();
    await closed;
  }, 60_000);

  it("refuses more streams than an org may open, and takes them again when some have ended", async () => {
    const authority = await start({ events: { maxStreamsPerOrg: 2, maxStreams: 3 } });
    const other = await otherOrg(authority);
    const first = await openEvents(authority);
    await using second = await openEvents(authority);
    await using third = await openEvents(authority);
    expect([second.response.status, third.response.status]).toEqual([200, 429]);
    expect(third.response.headers.get("retry-after")).toMatch(/^\d+$/);
    await using fourth = await openEvents(other);
    await using fifth = await openEvents(other);
    expect([fourth.response.status, fifth.response.status]).toEqual([200, 429]);
    await first[Symbol.asyncDispose]();
    await vi.waitUntil(async () => (await scraped(authority, "machineid_event_streams")) === 2);
    await using sixth = await openEvents(other);
    expect(sixth.response.status).toBe(200);
  });

  it("ends when the authority closes, without making it wait", async () => {
    const authority = await start({ closeTimeoutMs: 60_000 });
    await using events = await openEvents(authority);
    const next = events.next();
    await authority.close();
    expect(await next).toBeUndefined();
  });

  it("ends when its key no longer counts, and when the store is away", async () => {
    const authority = await start({ events: { heartbeatMs: 20 } });
    let isKnown = true;
    const openAudit = authority.store.openAudit.bind(authority.store);
    authority.store.openAudit = (caller) =>
      isKnown ? openAudit(caller) : Promise.resolve({ kind: "unknown_key" });
    await using events = await openEvents(authority);
    isKnown = false;
    expect(await events.next()).toBeUndefined();
    isKnown = true;
    await using again = await openEvents(authority);
    await authority.store.close();
    expect(await again.next()).toBeUndefined();
  });

  it("tells of entries that a store does not announce, by looking from time to time", async () => {
    const authority = await start();
    const { store } = authority;
    Object.assign(store, { onAudit: undefined });
    await using events = await openEvents(authority);
    await delay(1);
    await live(authority, "a", ["register"]);
    expect((await events.next())?.data["operation"]).toBe("register");
  });
});
