import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSigningKey, publicJwk } from "../../src/authority/signing/signing-key.ts";
import { Signer } from "../../src/authority/signing/signer.ts";
import { createGuard, MachineID, RequestError } from "../../src/index.ts";
import type { AuthorityKey, Jwks } from "../../src/index.ts";
import { SIGNATURE_TYPES } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { startProxy } from "../support/proxy.ts";
import type { Passing } from "../support/proxy.ts";

const VALIDATE = "/api/v1/devices/validate";

let authority: TestAuthority;
let jwks: Jwks;
beforeAll(async () => {
  authority = await startTestAuthority();
  for (const deviceId of ["a", "revoked", "other"]) {
    await call(authority, "POST", "/api/v1/devices/register", { deviceId });
  }
  await call(authority, "POST", "/api/v1/devices/revoke", { deviceId: "revoked" });
  const client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
  jwks = (await client.jwks()) as Jwks;
});
afterAll(() => authority.close());

const clientAt = (baseUrl: string, authorityKey: AuthorityKey = jwks): MachineID =>
  new MachineID({ orgKey: authority.ownerKey, baseUrl, authorityKey });

/** What becomes of guarded work behind somebody in the middle. */
async function attempt(
  change: (passing: Passing) => void | Promise<void>,
  deviceId = "a",
): Promise<string> {
  await using proxy = await startProxy(authority.url, change);
  const guard = createGuard(clientAt(proxy.url), { deviceId, register: false });
  let begun = false;
  const code = await guard
    .protect({ kind: "tool" }, () => {
      begun = true;
    })
    .then(
      () => "ALLOW",
      (error: { code: string }) => error.code,
    );
  expect(begun).toBe(code === "ALLOW");
  return code;
}

describe("a client with the authority's key", () => {
  test("takes allows and denials that the authority signed", async () => {
    expect(await attempt(() => undefined)).toBe("ALLOW");
    expect(await attempt(() => undefined, "revoked")).toBe("DEVICE_REVOKED");
    expect(await clientAt(authority.url).validate("a")).toMatchObject({ allowed: true });
  });

  test.each(["PEM", "a JWK", "a JWK without an id", "JSON", "a set with other keys in it"])(
    "takes the key as %s",
    async (form) => {
      const [jwk] = jwks.keys;
      if (jwk === undefined) throw new Error("no key");
      const { kid: _kid, ...nameless } = jwk;
      const other = publicJwk(await createSigningKey(1));
      const pem = createPublicKey({ key: { ...jwk }, format: "jwk" }).export({
        format: "pem",
        type: "spki",
      });
      const forms: Record<string, AuthorityKey> = {
        PEM: pem.toString(),
        "a JWK": jwk,
        "a JWK without an id": nameless,
        JSON: JSON.stringify(jwks),
        "a set with other keys in it": { keys: [{ kty: "RSA" }, other, jwk] },
      };
      const client = clientAt(authority.url, forms[form]);
      expect(await client.validate("a")).toMatchObject({ allowed: true });
    },
  );

  test("sends a nonce of its own with every request, and none is used twice", async () => {
    const nonces: unknown[] = [];
    await using proxy = await startProxy(authority.url, ({ request }) => {
      nonces.push(request["nonce"]);
    });
    const client = clientAt(proxy.url);
    for (let count = 0; count < 5; count += 1) await client.validate("a");
    await client.request("validate", { deviceId: "a", nonce: "chosen-by-somebody-else" });
    expect(new Set(nonces).size).toBe(6);
    expect(nonces).not.toContain("chosen-by-somebody-else");
    for (const nonce of nonces) expect(nonce).toMatch(/^[\w-]{22}$/);
  });

  test("does not ask for receipts without a key", async () => {
    await using proxy = await startProxy(authority.url, ({ request, body }) => {
      expect(Object.keys(request)).toEqual(["deviceId"]);
      expect(body).not.toHaveProperty("receipt");
    });
    const client = new MachineID({ orgKey: authority.ownerKey, baseUrl: proxy.url });
    expect(await client.validate("a")).toMatchObject({ allowed: true });
  });

  test.each<[string, (passing: Passing) => void | Promise<void>]>([
    ["strips the receipt", ({ body }) => void delete body["receipt"]],
    ["makes an allow of a denial", ({ body }) => void Object.assign(body, { allowed: true })],
    [
      "makes an allow of a denial, in every word",
      ({ body }) =>
        void Object.assign(body, { allowed: true, code: "ALLOW", status: "allowed", reason: "" }),
    ],
    [
      "shows the receipt of another device",
      async (passing) => {
        const { nonce } = passing.request;
        passing.body = await passing.ask(VALIDATE, { deviceId: "a", nonce });
        passing.body["deviceId"] = "revoked";
      },
    ],
    [
      "leaves the device of another's receipt out",
      async (passing) => {
        const { nonce } = passing.request;
        passing.body = await passing.ask(VALIDATE, { deviceId: "a", nonce });
        delete passing.body["deviceId"];
      },
    ],
  ])("is not let through by one who %s", async (_name, change) => {
    expect(await attempt(change, "revoked")).toMatch(/^(RECEIPT_INVALID|AUTHORITY_MALFORMED)$/);
  });

  test("is not let through by an answer that was right once", async () => {
    const seen: Record<string, unknown>[] = [];
    await using proxy = await startProxy(authority.url, (passing) => {
      seen.push(passing.body);
      [passing.body = {}] = seen;
    });
    const client = clientAt(proxy.url);
    expect(await client.validate("a")).toMatchObject({ allowed: true });
    await call(authority, "POST", "/api/v1/devices/revoke", { deviceId: "a" });
    await expect(client.validate("a")).rejects.toMatchObject({ code: "RECEIPT_INVALID" });
    await call(authority, "POST", "/api/v1/devices/unrevoke", { deviceId: "a" });
    await expect(client.validate("a")).rejects.toMatchObject({
      code: "RECEIPT_INVALID",
      message: expect.stringContaining("its nonce does not match"),
    });
  });

  test("is not let through by a decision that the same authority made in another org", async () => {
    const created = await call(authority, "POST", "/api/v1/org/create", {});
    const theirs = { "x-org-key": String(created.body["orgApiKey"]) };
    const code = await attempt(async (passing) => {
      const { nonce } = passing.request;
      await passing.ask("/api/v1/devices/register", { deviceId: "revoked" }, theirs);
      passing.body = await passing.ask(VALIDATE, { deviceId: "revoked", nonce }, theirs);
      expect(passing.body).toMatchObject({ allowed: true, deviceId: "revoked" });
    }, "revoked");
    expect(code).toBe("RECEIPT_INVALID");
  });

  test("does not take what the same key signed for another purpose", async () => {
    const signer = new Signer(authority.store, Date.now);
    const code = await attempt(async ({ body }) => {
      const [, payload = ""] = String(body["receipt"]).split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
      body["receipt"] = await signer.sign(SIGNATURE_TYPES.statement, claims);
    });
    expect(code).toBe("RECEIPT_INVALID");
  });

  test("does not take what another key signed", async () => {
    const other = await startTestAuthority();
    const signer = new Signer(other.store, Date.now);
    const code = await attempt(async ({ body }) => {
      const [, payload = ""] = String(body["receipt"]).split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
      body["receipt"] = await signer.sign(SIGNATURE_TYPES.receipt, claims);
    });
    expect(code).toBe("RECEIPT_INVALID");
    await other.close();
  });

  const claims = ["allowed", "code", "request_id", "deviceId", "nonce", "version", "valid_ms"];
  test.each([...claims, "key", "org", "iat", "exp"])(
    "does not take a receipt whose %s was changed, or left out, though the authority's key signed it",
    async (claim) => {
      const signer = new Signer(authority.store, Date.now);
      const others: Record<string, unknown>[] = [{ [claim]: undefined }, { [claim]: null }];
      const later = Date.now() / 1000 + 3600;
      if (claim === "allowed") others.push({ allowed: false }, { allowed: "true" }, { allowed: 1 });
      else if (claim === "iat") others.push({ iat: later });
      else if (claim === "exp") others.push({ exp: 1 });
      else if (claim === "org") others.push({ org: "" }, { org: 1 });
      else others.push({ [claim]: "x" }, { [claim]: 7_777 });
      for (const change of others) {
        const code = await attempt(async ({ body }) => {
          const [, payload = ""] = String(body["receipt"]).split(".");
          const said = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
          const signed = { ...said, ...change };
          body["receipt"] = await signer.sign(SIGNATURE_TYPES.receipt, signed);
        });
        expect([change, code]).toEqual([change, "RECEIPT_INVALID"]);
      }
    },
  );

  test.each(["allowed", "code", "request_id", "version", "valid_ms", "deviceId", "receipt"])(
    "does not take an answer whose %s was changed or left out",
    async (field) => {
      for (const value of [undefined, null, "x", 7_777_777, false, {}, []]) {
        const code = await attempt(({ body }) => void Object.assign(body, { [field]: value }));
        // An answer that does not name its device is about the one that was asked for.
        const isHarmless = field === "deviceId" && value === undefined;
        expect([value, code === "ALLOW"]).toEqual([value, isHarmless]);
      }
    },
  );

  test("does not take a receipt with any character changed, added or removed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom("replace", "insert", "remove"),
        fc.constantFrom(...Array.from("AZaz09-_.=+/ é")),
        async (place, how, character) => {
          let same = false;
          const code = await attempt(({ body }) => {
            const receipt = String(body["receipt"]);
            const at = place % receipt.length;
            const rest = receipt.slice(how === "insert" ? at : at + 1);
            body["receipt"] = receipt.slice(0, at) + (how === "remove" ? "" : character) + rest;
            same = body["receipt"] === receipt;
          });
          expect(code).toBe(same ? "ALLOW" : "RECEIPT_INVALID");
        },
      ),
      { numRuns: 150 },
    );
  });

  test("fails as an outage with the code the authority gave, where nothing was decided", async () => {
    const client = new MachineID({
      orgKey: "org_unknown-0123456789abcdef",
      baseUrl: authority.url,
      authorityKey: jwks,
    });
    expect(await client.validate("a")).toMatchObject({ code: "ORG_KEY_INVALID", allowed: false });
    const guard = createGuard(client, { deviceId: "a", register: false });
    await expect(guard.check({ kind: "tool" })).rejects.toMatchObject({
      code: "ORG_KEY_REJECTED",
      serverCode: "ORG_KEY_INVALID",
    });
  });

  test("shows nobody an allow in an answer that decides nothing", async () => {
    const changes: ((passing: Passing) => void)[] = [
      (passing) => void (passing.status = 500),
      ({ body }) => void Object.assign(body, { status: "error" }),
      ({ body }) => void Object.assign(body, { deviceId: "other" }),
      ({ body }) => void Object.assign(body, { allowed: 1, receipt: undefined }),
    ];
    for (const change of changes) {
      await using proxy = await startProxy(authority.url, (passing) => {
        delete passing.body["receipt"];
        change(passing);
      });
      await expect(clientAt(proxy.url).validate("a")).rejects.toBeInstanceOf(RequestError);
    }
  });

  test.each<[string, unknown]>([
    ["no key", ""],
    ["a word", "key"],
    ["broken JSON", "{"],
    ["an empty set", { keys: [] }],
    ["another kind of key", { kty: "RSA", n: "AQAB" }],
    ["a short key", { kty: "OKP", crv: "Ed25519", x: "AQAB" }],
    ["a private key", { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), d: "A".repeat(43) }],
    ["a private key as text", "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----"],
    ["null", null],
    ["a number", 7],
  ])("decides nothing with %s for a key", async (_name, authorityKey) => {
    let requests = 0;
    await using proxy = await startProxy(authority.url, () => void (requests += 1));
    const client = clientAt(proxy.url, authorityKey as AuthorityKey);
    await expect(client.validate("a")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const guard = createGuard(client, { deviceId: "a", register: false });
    await expect(guard.check({ kind: "tool" })).rejects.toMatchObject({
      code: "AUTHORITY_UNREACHABLE",
      cause: { code: "OPTION_INVALID" },
    });
    expect(requests).toBe(0);
  });
});
