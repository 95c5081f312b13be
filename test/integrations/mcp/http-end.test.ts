import { afterAll, beforeAll, expect, test } from "vitest";
import { startServe } from "../../cli/spawn.ts";
import type { Served } from "../../cli/spawn.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import { connectHttp, INITIALIZE, openSession, send, startMcpHttp } from "./http-scene.ts";

const LIST = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} } as const;

let served: Served;

beforeAll(async () => {
  served = await startServe(":memory:");
});

afterAll(() => served[Symbol.asyncDispose]());

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s ends it, streams and sessions too",
  async (signal) => {
    const mcp = await startMcpHttp(served.url);
    const headers = { "x-org-key": served.ownerKey };
    const session = { ...headers, "mcp-session-id": await openSession(mcp.url, headers) };
    const stream = fetch(mcp.url, { headers: { ...session, accept: "text/event-stream" } });
    const { body } = await stream;
    mcp.running.process.kill(signal);
    expect(await mcp.running.finished).toMatchObject({ code: 0, signal: null, stderr: "" });
    // Its end is an end, and not a failure.
    const reader = body?.getReader();
    for (;;) if ((await reader?.read())?.done !== false) break;
  },
);

test("a call that is under way at SIGTERM is answered", async () => {
  await using authority = await startScriptedAuthority();
  const mcp = await startMcpHttp(authority.url);
  await using caller = await connectHttp(mcp.url, { "x-org-key": "org_scripted" });
  const held = Promise.withResolvers<void>();
  const arrived = new Promise<void>((resolve) => {
    authority.onValidation = () => {
      resolve();
      return held.promise;
    };
  });
  const answer = caller.call("validate_device", { deviceId: "a-1" });
  await arrived;
  mcp.running.process.kill("SIGTERM");
  await expect
    .poll(() => send(mcp.url, { headers: { "x-org-key": "org_scripted" }, body: INITIALIZE }))
    .toMatchObject({ status: 503 });
  held.resolve();
  expect(await answer).toMatchObject({ structured: { allowed: true } });
  expect(await mcp.running.finished).toMatchObject({ code: 0 });
});

test("a caller that goes away in mid-call leaves the others be", async () => {
  await using authority = await startScriptedAuthority();
  await using mcp = await startMcpHttp(authority.url);
  const headers = { "x-org-key": "org_scripted" };
  const session = { ...headers, "mcp-session-id": await openSession(mcp.url, headers) };
  const held = Promise.withResolvers<void>();
  const arrived = new Promise<void>((resolve) => {
    authority.onValidation = () => {
      resolve();
      return held.promise;
    };
  });
  const gone = new AbortController();
  const params = { name: "validate_device", arguments: { deviceId: "a-1" } };
  const call = fetch(mcp.url, {
    method: "POST",
    signal: gone.signal,
    headers: {
      ...session,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params }),
  });
  await arrived;
  gone.abort();
  await call.then((response) => response.text()).catch(() => undefined);
  held.resolve();
  authority.onValidation = undefined;
  await using other = await connectHttp(mcp.url, headers);
  expect(await other.call("validate_device", { deviceId: "a-1" })).toMatchObject({
    structured: { allowed: true },
  });
});

test.each(["down", "error"] as const)(
  "an authority that is %s opens no session, and says so in the protocol's form",
  async (mode) => {
    await using authority = await startScriptedAuthority(mode);
    await using mcp = await startMcpHttp(authority.url);
    const answer = await send(mcp.url, {
      headers: { "x-org-key": "org_scripted" },
      body: INITIALIZE,
    });
    expect(answer).toMatchObject({ status: 503, error: { code: -32_000 } });
    expect(answer.error?.message).toMatch(/^AUTHORITY_(?:UNREACHABLE|ERROR): /);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
  },
);

test("an authority that goes down later is an error of the call", async () => {
  await using authority = await startScriptedAuthority();
  await using mcp = await startMcpHttp(authority.url);
  await using caller = await connectHttp(mcp.url, { "x-org-key": "org_scripted" });
  await authority.become("down");
  expect(await caller.call("revoke_device", { deviceId: "a-1" })).toMatchObject({
    isError: true,
    text: expect.stringMatching(/^AUTHORITY_UNREACHABLE: /),
  });
});

test("no key is on stdout or stderr, nor in an answer, whatever a caller sends", async () => {
  const mcp = await startMcpHttp(served.url);
  const key = served.ownerKey;
  const headers = { "x-org-key": key };
  const session = { ...headers, "mcp-session-id": await openSession(mcp.url, headers) };
  const answers = await Promise.all([
    send(`${mcp.url}/${key}?${key}`, { headers, body: INITIALIZE }),
    send(mcp.url, { headers, body: `{"${key}"` }),
    send(mcp.url, { headers: { ...session, "mcp-protocol-version": key }, body: LIST }),
    send(mcp.url, { headers: { ...headers, "mcp-session-id": key }, body: INITIALIZE }),
    send(mcp.url, { headers: { ...headers, host: `${key.replaceAll("_", "-")}.example` } }),
    send(mcp.url, { headers: { ...headers, authorization: "Bearer org_another_key" } }),
  ]);
  await using caller = await connectHttp(mcp.url, headers);
  const results = await Promise.all(
    ["list_devices", "get_usage", "validate_device", "revoke_device", "unrevoke_device"].map(
      (tool) => caller.call(tool, tool.endsWith("_device") ? { deviceId: "nobody" } : {}),
    ),
  );
  // The one answer that repeats it repeats what the caller sent as a protocol version.
  const texts = answers.map(({ text }, index) => (index === 2 ? "" : text));
  expect(JSON.stringify([texts, results])).not.toContain(key);
  mcp.running.process.kill("SIGTERM");
  const { stdout, stderr } = await mcp.running.finished;
  expect(stderr).toContain("Unsupported protocol version: org_…");
  expect(stdout + stderr).not.toContain(key);
});
