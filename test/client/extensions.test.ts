import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { readBody, startHttpServer } from "../support/http-server.ts";

describe("with a self-hosted authority", () => {
  let authority: TestAuthority;
  let owner: MachineID;
  const as = (orgKey: string): MachineID => new MachineID({ orgKey, baseUrl: authority.url });

  beforeEach(async () => {
    authority = await startTestAuthority();
    owner = as(authority.ownerKey);
  });
  afterEach(async () => {
    await authority.close();
  });

  const secretOf = (answer: object): string => Reflect.get(answer, "secret") as string;
  const keyIdOf = (answer: object): string =>
    (Reflect.get(answer, "key") as { keyId: string }).keyId;

  test("keys of every role are made, used, listed, rotated and revoked", async () => {
    const agent = as(
      secretOf(await owner.keys.create({ role: "agent", devicePattern: "worker:*" })),
    );
    expect(await agent.register("worker:1")).toMatchObject({ status: "ok" });
    expect(await agent.validate("worker:1")).toMatchObject({ allowed: true });
    expect(await agent.validate("other")).toMatchObject({ allowed: false, code: "FORBIDDEN" });
    expect(await agent.unrevoke("worker:1")).toMatchObject({ code: "FORBIDDEN" });
    const made = await owner.keys.create(
      { role: "operator", name: "pager", expiresAt: new Date(Date.now() + 60_000) },
      { reason: "on call" },
    );
    const operator = as(secretOf(made));
    expect(await operator.revoke("worker:1", { reason: "loops" })).toMatchObject({ changed: true });
    expect(await operator.unrevoke("worker:1")).toMatchObject({ status: "ok", changed: true });
    const viewer = as(secretOf(await owner.keys.create({ role: "viewer" })));
    expect(await viewer.usage()).toMatchObject({ devicesUsed: 1 });
    expect(await viewer.revoke("worker:1")).toMatchObject({ code: "FORBIDDEN" });
    const rotated = await owner.keys.rotate(keyIdOf(made), { overlapMs: 0 });
    expect(await operator.listDevices()).toMatchObject({ code: "ORG_KEY_INVALID" });
    expect(await as(secretOf(rotated)).listDevices()).toMatchObject({ status: "ok" });
    expect(await owner.keys.revoke(keyIdOf(rotated))).toMatchObject({ changed: true });
    expect(await owner.keys.list()).toMatchObject({ keys: { length: 5 } });
  });

  test("the org is stopped, read and resumed", async () => {
    await owner.register("a");
    expect(await owner.org.stop({ reason: "incident" })).toMatchObject({ stopped: true });
    expect(await owner.validate("a")).toMatchObject({ allowed: false, code: "ORG_DISABLED" });
    expect(await owner.org.read()).toMatchObject({ stopped: true, twoPersonRestore: false });
    expect(await owner.org.resume()).toMatchObject({ stopped: false, changed: true });
    expect(await owner.org.setPolicy({ twoPersonRestore: true })).toMatchObject({ changed: true });
    await owner.revoke("a");
    expect(await owner.unrevoke("a")).toMatchObject({ status: "pending" });
  });

  test("batches take ids or a pattern, and a dry run changes nothing", async () => {
    for (const deviceId of ["w:1", "w:2", "x"]) await owner.register(deviceId);
    const workers = { devicePattern: "w:*" };
    const dry = await owner.revokeBatch(workers, { dryRun: true });
    expect(dry).toMatchObject({ dry_run: true, matched: 2, changed: 2 });
    expect(await owner.validate("w:1")).toMatchObject({ allowed: true });
    expect(await owner.revokeBatch(workers)).toMatchObject({ changed: 2 });
    expect(await owner.unrevokeBatch(workers)).toMatchObject({ changed: 2 });
    expect(await owner.revokeBatch(["x"], { dryRun: true })).toMatchObject({
      results: [{ deviceId: "x", changed: true }],
    });
    for (const wrong of [{ devicePattern: "a*b" }, {}, "w:1", null]) {
      const call = owner.revokeBatch(wrong as { devicePattern: string });
      await expect(call).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
  });

  test("devices are listed in pages", async () => {
    for (const deviceId of ["a", "b", "c"]) await owner.register(deviceId, { owner: "team" });
    const first = await owner.listDevices({ limit: 2 });
    expect(first).toMatchObject({ devices: [{ deviceId: "a", owner: "team" }, {}] });
    const cursor = Reflect.get(first, "cursor") as string;
    const second = await owner.listDevices({ limit: 2, cursor });
    expect(second).toMatchObject({ devices: [{ deviceId: "c" }], cursor: null });
    expect(await owner.listDevices({ devicePattern: "b*" })).toMatchObject({
      devices: { length: 1 },
    });
  });

  test("a restore that is on its way when a stop comes does not undo it", async () => {
    await owner.register("a");
    await owner.revoke("a");
    const operator = new MachineID({
      orgKey: authority.ownerKey,
      baseUrl: authority.url,
      fetch: async (url, init) => {
        // It was asked for, and is held up; meanwhile the device is restored and stopped anew.
        if (url.endsWith("/unrevoke")) {
          await owner.unrevoke("a");
          await owner.revoke("a");
        }
        if (url.endsWith("/resume")) {
          await owner.org.resume();
          await owner.org.stop();
        }
        return fetch(url, init);
      },
    });
    expect(await operator.unrevoke("a")).toMatchObject({ code: "CONFLICT" });
    await owner.org.stop();
    expect(await operator.org.resume()).toMatchObject({ code: "CONFLICT" });
    expect(await owner.validate("a")).toMatchObject({ allowed: false });
  });
});

describe("what is asked before", () => {
  interface Seen {
    readonly path: string;
    readonly body: unknown;
  }
  const meta = (features: readonly string[]) => ({ status: "ok", features, version: 7 });

  async function startServer(answer: (path: string) => { status: number; text: string }) {
    const seen: Seen[] = [];
    const server = await startHttpServer(async (request, response) => {
      const path = request.url ?? "";
      const text = await readBody(request);
      seen.push({ path, body: text === "" ? undefined : JSON.parse(text) });
      const { status, text: said } = answer(path);
      response.writeHead(status, { "content-type": "application/json" }).end(said);
    });
    const client = new MachineID({ orgKey: "opr_0123456789abcdef", baseUrl: server.url });
    return { seen, client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }
  const ok = (body: object) => () => ({ status: 200, text: JSON.stringify(body) });

  test("every restore sends the version that was read just before, and meta is asked once", async () => {
    await using server = await startServer(ok(meta(["if_version"])));
    await server.client.unrevoke("a");
    await server.client.unrevokeBatch(["a"]);
    await server.client.org.resume();
    await server.client.request("unrevoke", { deviceId: "a" });
    await server.client.unrevoke("a", { ifVersion: 3 });
    expect(server.seen.filter(({ path }) => path === "/api/v1/meta")).toHaveLength(1);
    const restores = server.seen.filter(({ path }) => /unrevoke|resume/.test(path));
    const versions = restores.map(({ body }) => Reflect.get(Object(body), "if_version") as unknown);
    expect(versions).toEqual([7, 7, 7, 7, 3]);
    expect(server.seen.filter(({ path }) => path === "/api/v1/org")).toHaveLength(4);
  });

  test.each([
    ["JSON", '{"status":"error"}'],
    ["no JSON", "<html>not found</html>"],
  ])(
    "a service without meta, which says so in %s, is sent a plain restore",
    async (_name, text) => {
      await using server = await startServer((path) =>
        path.endsWith("/meta") ? { status: 404, text } : { status: 200, text: '{"status":"ok"}' },
      );
      expect(await server.client.unrevoke("a")).toEqual({ status: "ok" });
      expect(server.seen.at(-1)).toEqual({
        path: "/api/v1/devices/unrevoke",
        body: { deviceId: "a" },
      });
    },
  );

  test("a restore is not sent when the version could not be read", async () => {
    for (const failing of ["/meta", "/org"]) {
      await using server = await startServer((path) =>
        path.endsWith(failing)
          ? { status: 503, text: '{"status":"error","allowed":false,"code":"STORE_UNAVAILABLE"}' }
          : { status: 200, text: JSON.stringify(meta(["if_version"])) },
      );
      expect(await server.client.unrevoke("a")).toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(server.seen.map(({ path }) => path)).not.toContain("/api/v1/devices/unrevoke");
    }
  });

  test("a dry run, and an owner, are not sent to an authority that would pass over them", async () => {
    await using server = await startServer(ok(meta([])));
    const { client, seen } = server;
    const dry = client.revokeBatch(["a"], { dryRun: true });
    await expect(dry).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const owned = client.register("a", { owner: "team" });
    await expect(owned).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(seen.map(({ path }) => path)).toEqual(["/api/v1/meta"]);
  });

  test("one deadline covers all that a restore asks", async () => {
    const held = Promise.withResolvers<void>();
    await using server = await startHttpServer(async (request, response) => {
      if (request.url?.endsWith("/meta") !== true) await held.promise;
      response.end(JSON.stringify(meta(["if_version"])));
    });
    const client = new MachineID({ orgKey: "opr_0123456789abcdef", baseUrl: server.url });
    const late = client.unrevoke("a", { timeoutMs: 60 });
    await expect(late).rejects.toMatchObject({ code: "AUTHORITY_TIMEOUT" });
    const controller = new AbortController();
    const aborted = client.unrevoke("a", { timeoutMs: Infinity, signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    held.resolve();
  });
});

test.each(["org_", "opr_", "agt_", "viw_"])("a key that begins with %s is taken", (prefix) => {
  expect(() => new MachineID({ orgKey: `${prefix}0123456789abcdef` })).not.toThrow();
});
