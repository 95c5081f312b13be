import { afterEach, expect, test } from "vitest";
import { readEvents } from "../../src/events/index.ts";
import type { EventsOptions, ReceivedEvent } from "../../src/events/index.ts";
import { RequestError } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { live } from "../support/event-reader.ts";
import { startHttpServer } from "../support/http-server.ts";

const started: AsyncDisposable[] = [];
async function start(): Promise<TestAuthority & { readonly endpoint: EventsOptions }> {
  const authority = await startTestAuthority();
  started.push(authority);
  const endpoint = { orgKey: authority.ownerKey, baseUrl: authority.url };
  return { ...authority, endpoint };
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

const operationOf = (received: ReceivedEvent | undefined): unknown =>
  received !== undefined && received.type !== "reset" ? received.event.operation : received?.type;

test("events are read as they happen, and from where one was", async () => {
  const authority = await start();
  const { endpoint } = authority;
  await live(authority, "a", ["register"]);
  const ids: string[] = [];
  for await (const received of readEvents({ ...endpoint, lastEventId: "1.0_2.0" })) {
    ids.push(received.id);
    if (operationOf(received) === "register") break;
  }
  await live(authority, "a", ["validate", "revoke"]);
  const lastEventId = ids.at(-1) ?? "";
  const seen: unknown[] = [];
  for await (const received of readEvents({ ...endpoint, lastEventId, type: "change" })) {
    seen.push(operationOf(received));
    if (seen.length === 1) break;
  }
  expect(seen).toEqual(["revoke"]);
});

test("a lost connection is made again, and nothing is missing", async () => {
  const authority = await start();
  let connections = 0;
  const opened = Promise.withResolvers<void>();
  await using flaky = await startHttpServer(async (request, response) => {
    connections += 1;
    if (connections === 2) {
      response.writeHead(503).end();
      return;
    }
    const upstream = await fetch(authority.url + (request.url ?? ""), {
      headers: request.headers as Record<string, string>,
    });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const cut = connections === 1;
    try {
      for await (const chunk of upstream.body ?? []) {
        response.write(chunk);
        opened.resolve();
        if (cut && Buffer.from(chunk).includes('"register"')) break;
      }
    } catch {
      // The reader has left.
    }
    response.destroy();
  });
  const endpoint = { orgKey: authority.ownerKey, baseUrl: flaky.url };
  const seen: unknown[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    for await (const received of readEvents({ ...endpoint, signal: controller.signal })) {
      seen.push(operationOf(received));
      if (seen.length === 1) await live(authority, "a", ["revoke", "unrevoke"]);
      if (seen.length === 3) break;
    }
  })();
  await opened.promise;
  await live(authority, "a", ["register"]);
  await reading;
  expect(seen).toEqual(["register", "revoke", "unrevoke"]);
  expect(connections).toBe(3);
});

test("what will be answered the same again is thrown, and never shows the key", async () => {
  const { url } = await start();
  const orgKey = "org_stranger-0123456789abcdef";
  const refused = await readEvents({ orgKey, baseUrl: url })
    .next()
    .catch((error: unknown) => error);
  expect(RequestError.isInstance(refused) && refused.status).toBe(401);
  expect(String(refused)).not.toContain(orgKey);
  await using hosted = await startHttpServer((_request, response) => response.writeHead(404).end());
  await expect(readEvents({ orgKey, baseUrl: hosted.url }).next()).rejects.toMatchObject({
    status: 404,
  });
});

test("the signal ends the reading with its reason", async () => {
  const { endpoint } = await start();
  const controller = new AbortController();
  const next = readEvents({ ...endpoint, signal: controller.signal }).next();
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(next).rejects.toBe(reason);
});
