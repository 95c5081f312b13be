import { afterAll, beforeAll, expect, test } from "vitest";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { readCaller } from "../../../src/cli/mcp/caller.ts";
import { createHostCheck } from "../../../src/cli/mcp/hosts.ts";
import { createHttpServer } from "../../../src/cli/mcp/http-server.ts";
import { SessionTable } from "../../../src/cli/mcp/session-table.ts";
import type { SessionOptions } from "../../../src/cli/mcp/session-table.ts";
import { MachineID } from "../../../src/index.ts";
import { INITIALIZE, openSession, send } from "./http-scene.ts";
import { messagesOf } from "./sse.ts";

let authority: Authority;
let url: string;
let ownerKey: string;
let otherKey: string;

beforeAll(async () => {
  authority = createAuthority({ store: await sqliteStore(":memory:") });
  const keys = await authority.bootstrap();
  ownerKey = keys.ownerKey ?? "";
  ({ url } = await authority.listen());
  const response = await fetch(`${url}/api/v1/org/create`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-admin-key": keys.adminKey ?? "" },
    body: "{}",
  });
  otherKey = ((await response.json()) as { orgApiKey: string }).orgApiKey;
});

afterAll(() => authority.close());

interface Scene extends AsyncDisposable {
  readonly url: string;
  readonly sessions: SessionTable;
}

async function startSessions(limits: Partial<SessionOptions>): Promise<Scene> {
  const sessions = new SessionTable({
    createClient: (orgKey) => new MachineID({ orgKey, baseUrl: url }),
    createServer: (client) => createMachineIDServer(client),
    maxSessions: 100,
    maxSessionsPerKey: 100,
    idleMs: 60_000,
    ...limits,
  });
  const app = createHttpServer(sessions, createHostCheck("127.0.0.1", []), (error) => {
    throw error;
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url: `${address}/mcp`,
    sessions,
    async [Symbol.asyncDispose]() {
      await sessions.close(0);
      await app.close();
    },
  };
}

const LIST = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} };
const mine = (): Record<string, string> => ({ "x-org-key": ownerKey });

const statusOf = async (scene: Scene, id: string): Promise<number> =>
  (await send(scene.url, { headers: { ...mine(), "mcp-session-id": id }, body: LIST })).status;

test("a key's idlest session ends for its next one, and for no other key's", async () => {
  await using scene = await startSessions({ maxSessionsPerKey: 2 });
  const first = await openSession(scene.url, mine());
  const second = await openSession(scene.url, mine());
  await openSession(scene.url, { "x-org-key": otherKey });
  expect(await statusOf(scene, first)).toBe(200);
  const third = await openSession(scene.url, mine());
  expect(await Promise.all([first, second, third].map((id) => statusOf(scene, id)))).toEqual([
    200, 404, 200,
  ]);
  expect(scene.sessions.size).toBe(3);
});

test("a session in use is not ended for another: 429", async () => {
  await using scene = await startSessions({ maxSessionsPerKey: 1 });
  const id = await openSession(scene.url, mine());
  const stream = await fetch(scene.url, {
    headers: { ...mine(), "mcp-session-id": id, accept: "text/event-stream" },
  });
  expect(await send(scene.url, { headers: mine(), body: INITIALIZE })).toMatchObject({
    status: 429,
    headers: { "retry-after": expect.any(String) },
  });
  await stream.body?.cancel();
});

test("a session that its client is about to begin is not ended for another", async () => {
  await using scene = await startSessions({ maxSessionsPerKey: 1 });
  const caller = readCaller(mine());
  const first = await scene.sessions.open(caller);
  await expect(scene.sessions.open(caller)).rejects.toMatchObject({ httpStatus: 429 });
  expect(scene.sessions.size).toBe(1);
  await first.end();
  expect(scene.sessions.size).toBe(0);
});

test("beyond the cap of all sessions: 503", async () => {
  await using scene = await startSessions({ maxSessions: 1 });
  await openSession(scene.url, mine());
  expect(
    await send(scene.url, { headers: { "x-org-key": otherKey }, body: INITIALIZE }),
  ).toMatchObject({ status: 503, error: { code: -32_000 } });
  expect(scene.sessions.size).toBe(1);
});

test("the caps hold for sessions that are opened at once", async () => {
  await using scene = await startSessions({ maxSessions: 3 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => send(scene.url, { headers: mine(), body: INITIALIZE })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(scene.sessions.size).toBe(3);
});

test("a session that is not used ends", async () => {
  await using scene = await startSessions({ idleMs: 20 });
  const id = await openSession(scene.url, mine());
  await expect.poll(() => scene.sessions.size).toBe(0);
  expect(await statusOf(scene, id)).toBe(404);
});

test("a subscriber is told on its own stream, and nobody else", async () => {
  await using scene = await startSessions({
    createServer: (client) => createMachineIDServer(client, { pollIntervalMs: 10 }),
  });
  const machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
  await machineid.register("followed");
  const streams = await Promise.all(
    [1, 2].map(async () => {
      const headers = { ...mine(), "mcp-session-id": await openSession(scene.url, mine()) };
      const accept = { ...headers, accept: "text/event-stream" };
      return { headers, messages: messagesOf(await fetch(scene.url, { headers: accept })) };
    }),
  );
  const subscribe = async (index: number, uri: string): Promise<void> => {
    const body = { jsonrpc: "2.0", id: 3, method: "resources/subscribe", params: { uri } };
    const answer = await send(scene.url, { headers: { ...streams[index]?.headers }, body });
    expect(answer.text).toContain('"result":{}');
  };
  await subscribe(0, "machineid://devices/followed");
  await subscribe(1, "machineid://usage");
  await machineid.revoke("followed");
  for (const [index, uri] of ["machineid://devices/followed", "machineid://usage"].entries()) {
    const { value } = (await streams[index]?.messages.next()) ?? {};
    expect(value).toMatchObject({ method: "notifications/resources/updated", params: { uri } });
  }
});

test("a session with an open stream is used", async () => {
  await using scene = await startSessions({ idleMs: 100 });
  const openStream = async (): Promise<Response> => {
    const id = await openSession(scene.url, mine());
    const headers = { ...mine(), "mcp-session-id": id, accept: "text/event-stream" };
    const stream = await fetch(scene.url, { headers });
    // On a busy machine it may have been idle for too long before the stream came.
    return stream.status === 404 ? openStream() : stream;
  };
  const stream = await openStream();
  const other = await openSession(scene.url, mine());
  await expect.poll(() => statusOf(scene, other), { interval: 150 }).toBe(404);
  expect(scene.sessions.size).toBe(1);
  await stream.body?.cancel();
  await expect.poll(() => scene.sessions.size).toBe(0);
});

test("what is refused leaves no session behind", async () => {
  await using scene = await startSessions({});
  const headers = { ...mine(), accept: "application/json" };
  expect(await send(scene.url, { headers, body: INITIALIZE })).toMatchObject({ status: 406 });
  await expect.poll(() => scene.sessions.size).toBe(0);
});
