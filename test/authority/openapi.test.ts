import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTE_FACTORIES } from "../../src/authority/routes/index.ts";
import type { Services } from "../../src/authority/services.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";

interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema: object }>>;
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let authority: TestAuthority;
let document: Document;
const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { "date-time": true } });

beforeAll(async () => {
  authority = await startTestAuthority();
  document = (await (await fetch(`${authority.url}/openapi.json`)).json()) as Document;
  ajv.addVocabulary(["openapi", "info", "servers", "paths", "components"]);
  ajv.addSchema(document, "api");
});
afterAll(() => authority.close());

/** Whether a value is what the document says of a place in it. */
function problemsAt(pointer: readonly string[], value: unknown): unknown {
  const path = pointer.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"));
  const validate = ajv.getSchema(`api#/${path.map(encodeURIComponent).join("/")}`);
  if (validate === undefined) return `nothing at ${pointer.join(" ")}`;
  return validate(value) === true ? [] : validate.errors;
}

const operations = (): [path: string, method: string, operation: Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      path,
      method,
      operation,
    ]),
  );

interface Sent {
  readonly key?: string;
  readonly adminKey?: string;
  readonly body?: unknown;
}

async function send(method: string, path: string, { key, adminKey, body }: Sent) {
  const response = await fetch(authority.url + path, {
    method: method.toUpperCase(),
    headers: {
      ...(key === undefined ? {} : { "x-org-key": key }),
      ...(adminKey === undefined ? {} : { "x-admin-key": adminKey }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response;
}

describe("the OpenAPI document", () => {
  it("names every route there is, and no other", () => {
    const routes = ROUTE_FACTORIES.map((create) => create({ store: {} } as Services)).map(
      ({ method, path }) => `${method} ${path}`,
    );
    const documented = operations().map(([path, method]) => `${method.toUpperCase()} ${path}`);
    expect(documented.toSorted()).toEqual(routes.toSorted());
    expect(new Set(operations().map(([, , { operationId }]) => operationId)).size).toBe(
      documented.length,
    );
  });

  it("names only routes that the server has, with the keys that it asks for", async () => {
    for (const [path, method, { security }] of operations()) {
      const response = await send(method, path, { body: method === "post" ? {} : undefined });
      await response.body?.cancel();
      const needsKey = security.length > 0;
      expect([path, response.status === 401]).toEqual([path, needsKey]);
      expect([404, 405]).not.toContain(response.status);
    }
  });

  it("describes each schema by JSON Schema that compiles, and references that lead somewhere", () => {
    const names = Object.keys(document.components.schemas);
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      expect([name, ajv.getSchema(`api#/components/schemas/${name}`) !== undefined]).toEqual([
        name,
        true,
      ]);
    }
    const references = JSON.stringify(document).match(/"#\/components\/schemas\/\w+"/g) ?? [];
    const known = new Set(names.map((name) => `"#/components/schemas/${name}"`));
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
  });

  it("describes what the server really answers, whatever was asked", async () => {
    const key = authority.ownerKey;
    const { adminKey } = authority;
    const other = await send("post", "/api/v1/org/create", { adminKey, body: { plan: 1 } });
    const { orgApiKey, orgId } = (await other.json()) as { orgApiKey: string; orgId: string };
    const { keyId } = await createScopedKey(authority, "viewer");
    const d = "/api/v1/devices";
    const asked: [string, string, Sent, number][] = [
      ["post", `${d}/register`, { key, body: { deviceId: "a" } }, 200],
      ["post", `${d}/register`, { key: orgApiKey, body: { deviceId: "a" } }, 200],
      ["post", `${d}/register`, { key: orgApiKey, body: { deviceId: "b" } }, 403],
      ["post", `${d}/validate`, { key, body: { deviceId: "a" } }, 200],
      ["post", `${d}/revoke`, { key, body: { deviceId: "a" } }, 200],
      ["post", `${d}/register`, { key, body: { deviceId: "a" } }, 403],
      ["post", `${d}/validate`, { key, body: { deviceId: "a" } }, 200],
      ["get", `${d}/list`, { key }, 200],
      ["post", `${d}/unrevoke`, { key, body: { deviceId: "a" } }, 200],
      ["post", `${d}/revoke_batch`, { key, body: { deviceIds: ["a", "x"] } }, 200],
      ["post", `${d}/unrevoke_batch`, { key, body: { deviceIds: ["a", "x"] } }, 200],
      ["post", `${d}/remove`, { key, body: { deviceId: "a" } }, 200],
      ["post", `${d}/remove`, { key, body: { deviceId: "a" } }, 404],
      ["post", `${d}/validate`, { key, body: { deviceId: 4 } }, 400],
      ["get", "/api/v1/usage", { key }, 200],
      ["get", "/api/v1/usage", { key: orgApiKey }, 200],
      ["get", "/api/v1/usage", {}, 401],
      ["post", "/api/v1/org/create", { adminKey, body: { name: "n", plan: "pro" } }, 200],
      ["get", "/api/v1/org/list", { adminKey }, 200],
      [
        "post",
        "/api/v1/org/plan",
        { adminKey, body: { orgId, plan: 7, accessUntil: "2030-01-01T00:00:00Z" } },
        200,
      ],
      ["get", `${d}/list?limit=1`, { key }, 200],
      ["get", "/api/v1/org", { key }, 200],
      ["post", "/api/v1/org/stop", { key, body: { reason: "drill", wait: "none" } }, 200],
      ["get", "/api/v1/stops/last", { key }, 200],
      ["get", "/api/v1/stops/999", { key }, 404],
      ["get", "/api/v1/sessions?cursor=a", { key }, 200],
      ["post", "/api/v1/org/resume", { key, body: { if_version: 100_000 } }, 200],
      ["post", "/api/v1/org/policy", { key, body: { twoPersonRestore: true } }, 200],
      ["post", `${d}/register`, { key, body: { deviceId: "w:1", owner: "team" } }, 200],
      ["post", `${d}/revoke`, { key, body: { deviceId: "w:1", reason: "drill" } }, 200],
      ["post", `${d}/unrevoke`, { key, body: { deviceId: "w:1" } }, 202],
      ["post", `${d}/unrevoke_batch`, { key, body: { devicePattern: "w:*", dry_run: true } }, 200],
      ["post", "/api/v1/org/stop", { key }, 200],
      ["post", "/api/v1/org/resume", { key }, 202],
      ["post", `${d}/validate`, { key, body: { deviceId: "w:1", nonce: "n".repeat(16) } }, 200],
      [
        "post",
        "/api/v1/keys/create",
        { key, body: { role: "agent", devicePattern: "w:*", expiresAt: "2100-01-01T00:00:00Z" } },
        200,
      ],
      ["get", "/api/v1/keys/list", { key }, 200],
      ["post", "/api/v1/keys/rotate", { key, body: { keyId, overlap_ms: 0 } }, 200],
      ["post", "/api/v1/keys/revoke", { key, body: { keyId } }, 200],
      ["get", "/api/v1/audit?limit=5&order=desc", { key }, 200],
      ["get", "/api/v1/audit/chains", { key }, 200],
      ["post", "/api/v1/authority/rotate_key", { adminKey, body: { overlap_hours: 0 } }, 200],
      ["post", "/api/v1/authority/rotate_admin_key", { adminKey, body: {} }, 200],
      ["get", "/.well-known/jwks.json", {}, 200],
      ["get", "/api/v1/meta", {}, 200],
      ["get", "/healthz", {}, 200],
      ["get", "/readyz", {}, 200],
      ["get", "/openapi.json", {}, 200],
    ];
    const seen = new Set<string>();
    let lastStop = 0;
    for (const [method, given, sent, status] of asked) {
      const url = given.replace("last", String(lastStop));
      const response = await send(method, url, sent);
      const [path = ""] = url.replace(/\/stops\/\d+/, "/stops/{version}").split("?");
      const body: unknown = await response.json();
      expect([path, response.status, body]).toEqual([path, status, body]);
      lastStop = (body as { stop?: { version: number } }).stop?.version ?? lastStop;
      const operation = document.paths[path]?.[method];
      const place = ["paths", path, method];
      const answer = Object.hasOwn(operation?.responses ?? {}, String(status)) ? status : "default";
      const content = ["responses", String(answer), "content", "application/json", "schema"];
      expect([path, status, problemsAt([...place, ...content], body)]).toEqual([path, status, []]);
      if (sent.body !== undefined && status !== 400) {
        const request = ["requestBody", "content", "application/json", "schema"];
        expect([path, problemsAt([...place, ...request], sent.body)]).toEqual([path, []]);
      }
      seen.add(`${method} ${path}`);
    }
    const streams = operations()
      .filter(([, , { responses }]) => !("application/json" in (responses["200"]?.content ?? {})))
      .map(([path]) => path);
    const unseen = operations()
      .map(([path, method]) => `${method} ${path}`)
      .filter((name) => !seen.has(name) && !streams.includes(name.split(" ")[1] ?? ""));
    expect(unseen).toEqual([]);
    expect(streams.toSorted()).toEqual(["/api/v1/backup", "/api/v1/events", "/metrics"]);
  });

  it("refuses what the server would not answer", () => {
    const content = ["responses", "200", "content", "application/json", "schema"];
    const place = ["paths", "/api/v1/devices/validate", "post", ...content];
    expect(problemsAt(place, { allowed: "true", code: "ALLOW", request_id: "r" })).not.toEqual([]);
    expect(problemsAt(place, {})).not.toEqual([]);
  });
});
