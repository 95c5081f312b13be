import { afterEach, describe, expect, it } from "vitest";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";

const CONSOLE = "https://console.example.com";
const ELSEWHERE = "https://elsewhere.example.com";
const VALIDATE = "/api/v1/devices/validate";

const started: TestAuthority[] = [];
async function start(corsOrigins: readonly string[]): Promise<TestAuthority> {
  const authority = await startTestAuthority({ corsOrigins });
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

const preflight = (url: string, origin: string, headers = "content-type,x-org-key") =>
  fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": headers,
    },
  });

const allowOf = ({ headers }: Response): string | null =>
  headers.get("access-control-allow-origin");

describe("pages of other origins", () => {
  it("may not call unless they were named", async () => {
    const authority = await start([]);
    const asked = await preflight(authority.url + VALIDATE, CONSOLE);
    expect([asked.status, allowOf(asked)]).toEqual([204, null]);
    expect(asked.headers.get("allow")).toBe("POST, OPTIONS");
    const answered = await fetch(`${authority.url}/api/v1/meta`, { headers: { origin: CONSOLE } });
    expect(allowOf(answered)).toBeNull();
  });

  it("may call when they were named, with an org's key and never the administrator's", async () => {
    const authority = await start(["https://first.example.com", CONSOLE]);
    const asked = await preflight(authority.url + VALIDATE, CONSOLE);
    expect(asked.status).toBe(204);
    expect(allowOf(asked)).toBe(CONSOLE);
    expect(asked.headers.get("vary")).toContain("Origin");
    const allowed = asked.headers.get("access-control-allow-headers") ?? "";
    expect(allowed.split(", ").toSorted()).toEqual(["content-type", "last-event-id", "x-org-key"]);
    expect(asked.headers.get("access-control-allow-methods")).toBe("GET, POST");
    expect(asked.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it.each([ELSEWHERE, "null", `${CONSOLE}.evil.example`, "http://console.example.com"])(
    "may not call from %s when others were named",
    async (origin) => {
      const authority = await start([CONSOLE]);
      expect(allowOf(await preflight(authority.url + VALIDATE, origin))).toBeNull();
      const answered = await fetch(`${authority.url}/api/v1/meta`, { headers: { origin } });
      expect(allowOf(answered)).toBeNull();
    },
  );

  it("can read every kind of answer: decisions, failures and events", async () => {
    const authority = await start([CONSOLE]);
    const headers = {
      origin: CONSOLE,
      "content-type": "application/json",
      "x-org-key": authority.ownerKey,
    };
    const body = '{"deviceId":"a"}';
    const decided = await fetch(authority.url + VALIDATE, { method: "POST", headers, body });
    const failed = await fetch(authority.url + VALIDATE, {
      method: "POST",
      headers: { ...headers, "x-org-key": "" },
      body,
    });
    const lost = await fetch(`${authority.url}/nowhere`, { headers });
    const events = await fetch(`${authority.url}/api/v1/events`, { headers });
    await events.body?.cancel();
    expect([decided, failed, lost, events].map(({ status }) => status)).toEqual([
      200, 401, 404, 200,
    ]);
    for (const answer of [decided, failed, lost, events]) {
      expect(allowOf(answer)).toBe(CONSOLE);
      expect(answer.headers.get("access-control-expose-headers")).toContain("x-request-id");
    }
  });

  it("leaves every other OPTIONS as it was", async () => {
    const authority = await start([CONSOLE]);
    const plain = await fetch(authority.url + VALIDATE, { method: "OPTIONS" });
    expect([plain.status, plain.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
    expect((await fetch(`${authority.url}/nowhere`, { method: "OPTIONS" })).status).toBe(404);
  });
});
