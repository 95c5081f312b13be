import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MachineID } from "../../../src/index.ts";
import { runCli, startServe } from "../../cli/spawn.ts";
import type { Served } from "../../cli/spawn.ts";
import { SDK_VERSIONS } from "./assistants.ts";
import {
  connectHttp,
  createOrg,
  INITIALIZE,
  openSession,
  send,
  startMcpHttp,
} from "./http-scene.ts";
import type { ServedMcp } from "./http-scene.ts";

let served: Served;
let mcp: ServedMcp;
let mine: Readonly<Record<string, string>>;
let otherKey: string;

beforeAll(async () => {
  served = await startServe(":memory:");
  mcp = await startMcpHttp(served.url);
  mine = { "x-org-key": served.ownerKey };
  otherKey = await createOrg(served);
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
});

const LIST = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} } as const;
const YES = { action: "accept", content: { consent: true } } as const;

describe("callers", () => {
  test("with different keys at once see only their own org", async () => {
    await using one = await connectHttp(mcp.url, mine);
    await using other = await connectHttp(mcp.url, { authorization: `Bearer ${otherKey}` });
    const turns = Array.from({ length: 10 }, (_, index) => index);
    await Promise.all(
      turns.flatMap((turn) => [
        one.call("register_device", { deviceId: `one-${turn}` }),
        other.call("register_device", { deviceId: `other-${turn}` }),
      ]),
    );
    const lists = await Promise.all([one, other].map((caller) => caller.call("list_devices")));
    const owners = lists.map(({ structured }) =>
      (structured?.["devices"] as { deviceId: string }[] | undefined)?.map(({ deviceId }) =>
        deviceId.replace(/-\d+$/, ""),
      ),
    );
    expect(owners).toEqual([Array(10).fill("one"), Array(10).fill("other")]);
    expect(await other.call("revoke_device", { deviceId: "one-1" })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^DEVICE_NOT_FOUND/),
    });
    expect((await one.call("validate_device", { deviceId: "one-1" })).structured).toMatchObject({
      allowed: true,
    });
    await expect(other.readJson("machineid://devices/one-1")).rejects.toMatchObject({
      code: -32_002,
    });
  });

  test.each(SDK_VERSIONS)("of SDK %s restore when a person says yes", async (version) => {
    const deviceId = `restored:${version}`;
    await using alone = await connectHttp(mcp.url, mine, { version });
    await alone.call("register_device", { deviceId });
    await alone.call("revoke_device", { deviceId });
    expect((await alone.call("unrevoke_device", { deviceId })).text).toMatch(
      /^CONSENT_UNAVAILABLE/,
    );
    await using declined = await connectHttp(mcp.url, mine, {
      version,
      person: { action: "decline" },
    });
    expect((await declined.call("unrevoke_device", { deviceId })).text).toMatch(
      /^CONSENT_DECLINED/,
    );
    expect((await alone.call("validate_device", { deviceId })).structured).toMatchObject({
      code: "DEVICE_REVOKED",
    });
    await using attended = await connectHttp(mcp.url, mine, { version, person: YES });
    expect(await attended.call("unrevoke_device", { deviceId })).toMatchObject({ isError: false });
    expect(attended.questions).toHaveLength(1);
    expect((await alone.call("validate_device", { deviceId })).structured).toMatchObject({
      allowed: true,
    });
  });

  test.each([
    ["no key", {}],
    ["an empty key", { "x-org-key": " " }],
    ["a key in another scheme", { authorization: "Basic b3JnOg==" }],
    ["a key that can be none", { "x-org-key": "org_with space" }],
    ["a key that nobody knows", { "x-org-key": "org_nobody_knows_this_one" }],
  ])("with %s get 401 and no session", async (_what, headers) => {
    const answer = await send(mcp.url, { headers, body: INITIALIZE });
    expect(answer).toMatchObject({ status: 401, error: { code: -32_000 } });
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
    expect(answer.headers["mcp-session-id"]).toBeUndefined();
    expect(answer.text).not.toContain("nobody_knows");
  });

  test("of every role have a session, and may do what their role may", async () => {
    const owner = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
    const secretOf = async (role: "operator" | "viewer" | "agent"): Promise<string> => {
      const devices = role === "agent" ? { devicePattern: "*" } : {};
      const answer = await owner.keys.create({ role, ...devices });
      return "secret" in answer ? String(answer.secret) : "";
    };
    await owner.register("role-1");
    const revoke = async (role: "operator" | "viewer" | "agent"): Promise<string> => {
      await using caller = await connectHttp(mcp.url, { "x-org-key": await secretOf(role) });
      const { isError, text } = await caller.call("revoke_device", { deviceId: "role-1" });
      return isError ? text : "done";
    };
    expect(await revoke("viewer")).toMatch(/^FORBIDDEN: /);
    expect(await revoke("agent")).toMatch(/^FORBIDDEN: /);
    expect(await revoke("operator")).toBe("done");
  });

  test("with two keys that differ get 400", async () => {
    const headers = { ...mine, authorization: `Bearer ${otherKey}` };
    expect(await send(mcp.url, { headers, body: INITIALIZE })).toMatchObject({ status: 400 });
    const same = { ...mine, authorization: `Bearer ${served.ownerKey}` };
    expect(await send(mcp.url, { headers: same, body: INITIALIZE })).toMatchObject({ status: 200 });
  });

  test("with a key in the URL get 401", async () => {
    const url = `${mcp.url}?x-org-key=${served.ownerKey}`;
    expect(await send(url, { body: INITIALIZE })).toMatchObject({ status: 401 });
  });
});

describe("a session", () => {
  test.each(["POST", "GET", "DELETE"])("answers %s to no other key", async (method) => {
    const id = await openSession(mcp.url, mine);
    const session = { "mcp-session-id": id };
    const body = method === "POST" ? LIST : undefined;
    const strangers = [{ "x-org-key": otherKey }, { "x-org-key": "org_nobody_knows_this_one" }];
    for (const stranger of strangers) {
      const answer = await send(mcp.url, { method, headers: { ...stranger, ...session }, body });
      expect(answer).toMatchObject({ status: 404, error: { code: -32_001 } });
    }
    expect(await send(mcp.url, { method, headers: session, body })).toMatchObject({ status: 401 });
    const own = await send(mcp.url, { headers: { ...mine, ...session }, body: LIST });
    expect(own.status).toBe(200);
  });

  test("that ended is gone", async () => {
    const headers = { ...mine, "mcp-session-id": await openSession(mcp.url, mine) };
    expect(await send(mcp.url, { method: "DELETE", headers })).toMatchObject({ status: 200 });
    expect(await send(mcp.url, { headers, body: LIST })).toMatchObject({ status: 404 });
    expect(await send(mcp.url, { method: "DELETE", headers })).toMatchObject({ status: 404 });
  });

  test.each([
    ["a request", LIST],
    ["a batch", [INITIALIZE]],
    ["nothing", {}],
    ["null", "null"],
  ])("does not begin with %s", async (_what, body) => {
    expect(await send(mcp.url, { headers: mine, body })).toMatchObject({
      status: 400,
      error: { code: -32_000 },
    });
  });

  test("that was never opened is not found", async () => {
    const headers = { ...mine, "mcp-session-id": "00000000-0000-4000-8000-000000000000" };
    expect(await send(mcp.url, { headers, body: LIST })).toMatchObject({ status: 404 });
  });
});

describe("what comes from elsewhere", () => {
  test.each([
    ["a foreign Host", { host: "evil.example.com" }],
    ["a foreign Host with a port", { host: "evil.example.com:7644" }],
    ["a Host that looks like ours", { host: "localhost.evil.example.com" }],
    ["a Host with a name in it", { host: "localhost@evil.example.com" }],
    ["a foreign Origin", { origin: "http://evil.example.com" }],
    ["an Origin of a file", { origin: "null" }],
    ["an Origin that is none", { origin: "localhost" }],
  ])("with %s gets 403", async (_what, headers) => {
    const answer = await send(mcp.url, { headers: { ...mine, ...headers }, body: INITIALIZE });
    expect(answer).toMatchObject({ status: 403, error: { code: -32_000 } });
  });

  test.each([
    { host: "localhost:9" },
    { host: "127.0.0.1" },
    { host: "[::1]:80" },
    { origin: "http://localhost:6274" },
    { origin: "https://127.0.0.1" },
  ])("with %j is let in", async (headers) => {
    const answer = await send(mcp.url, { headers: { ...mine, ...headers }, body: INITIALIZE });
    expect(answer.status).toBe(200);
  });

  test("with a foreign Host gets 403 on every path", async () => {
    const elsewhere = mcp.url.replace(/mcp$/, "admin");
    const headers = { host: "evil.example.com" };
    expect(await send(elsewhere, { method: "GET", headers })).toMatchObject({ status: 403 });
  });

  test("--allow-host lets a name in", async () => {
    await using named = await startMcpHttp(served.url, [
      "--allow-host",
      "mcp.example.com, two.example",
    ]);
    const ask = (headers: Record<string, string>): Promise<{ status: number }> =>
      send(named.url, { headers: { ...mine, ...headers }, body: INITIALIZE });
    const origin = "https://two.example";
    expect(await ask({ host: "mcp.example.com", origin })).toMatchObject({ status: 200 });
    expect(await ask({ host: "three.example" })).toMatchObject({ status: 403 });
  });

  test("a browser's preflight is not answered as one", async () => {
    const headers = { origin: "http://localhost:6274", "access-control-request-method": "POST" };
    const answer = await send(mcp.url, { method: "OPTIONS", headers });
    expect(answer.status).toBe(405);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("bad input", () => {
  test("of 10 MB gets 413, with and without a session", async () => {
    const huge = { ...LIST, params: { huge: "x".repeat(10_000_000) } };
    const headers = { ...mine, "mcp-session-id": await openSession(mcp.url, mine) };
    for (const given of [mine, headers]) {
      // The server may hang up on what it does not read.
      const answer = await send(mcp.url, { headers: given, body: huge }).catch(() => undefined);
      expect(answer?.status ?? 413).toBe(413);
    }
    expect(await send(mcp.url, { headers, body: LIST })).toMatchObject({ status: 200 });
  });

  test.each([
    ["no JSON", "{", 400],
    ["an empty body", "", 400],
    ["a prototype", '{"__proto__":{"x":1}}', 400],
    ["no message", "[1,2]", 400],
  ])("%s gets an error of the protocol", async (_what, body, status) => {
    const headers = { ...mine, "mcp-session-id": await openSession(mcp.url, mine) };
    const answer = await send(mcp.url, {
      headers: { ...headers, "content-type": "application/json" },
      body,
    });
    expect(answer).toMatchObject({ status, error: { code: expect.any(Number) } });
  });

  test("of another type gets 415, another path 404, another method 405", async () => {
    const headers = { ...mine, "content-type": "application/xml" };
    expect(await send(mcp.url, { headers, body: "<x/>" })).toMatchObject({ status: 415 });
    const elsewhere = mcp.url.replace(/mcp$/, "admin");
    expect(await send(elsewhere, { headers: mine, body: LIST })).toMatchObject({ status: 404 });
    const put = await send(mcp.url, { method: "PUT", headers: mine, body: LIST });
    expect(put).toMatchObject({ status: 405, error: { code: -32_000 } });
    expect(put.headers.allow).toBe("GET, POST, DELETE");
  });
});

describe("the command", () => {
  test.each([
    [["--port", "1"], /--port goes with --http/],
    [["--json"], /--json goes with --http/],
    [["--http", "--key-file", "key"], /a key of its own/],
    [["--http", "--port", "70000"], /--port must be/],
    [["--tools", "list_devices,restore_all"], /no tool "restore_all"/],
    [["--tools", ","], /No tool is named/],
    [["--read-only", "--tools", "revoke_device"], /revoke_device changes something/],
    [["--http", "--tools", "nope"], /no tool "nope"/],
    [["--http", "--allow-host", "a.example:80"], /"a\.example:80" is no host name/],
    [["--http", "--allow-host", "https://a.example"], /is no host name/],
    [["--http", "--host", "not a host"], /is no host name/],
  ])("%j is a usage error", async (options, message) => {
    const result = await runCli(["mcp", ...options], { env: served.env });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(message);
  });

  test("a port that is taken is said, with the mend", async () => {
    const { port } = new URL(mcp.url);
    const result = await runCli(["mcp", "--http", "--port", port], { env: served.env });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/taken\. Choose another with --port/);
  });

  test("options hold over HTTP", async () => {
    await using reading = await startMcpHttp(served.url, ["--tools", "list_devices,get_usage"]);
    await using caller = await connectHttp(reading.url, mine);
    expect((await caller.toolNames()).toSorted()).toEqual(["get_usage", "list_devices"]);
  });
});
