import { describe, expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import type { Jwks } from "../../src/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";

describe("after a rotation", () => {
  test("clients that knew the announced key go on, and those of the stolen one stop", async () => {
    let now = Date.now();
    await using rotated = await startTestAuthority({ now: () => now });
    const { url: baseUrl, ownerKey: orgKey } = rotated;
    await call(rotated, "POST", "/api/v1/devices/register", { deviceId: "a" });
    const plain = new MachineID({ orgKey, baseUrl });
    const rotate = (hours: number) =>
      call(rotated, "POST", "/api/v1/authority/rotate_key", { overlap_hours: hours });
    const before = (await plain.jwks()) as Jwks;
    expect((await rotate(0.01)).body).toMatchObject({ status: "ok" });
    const announced = (await plain.jwks()) as Jwks;
    expect(announced.keys).toHaveLength(2);
    const old = new MachineID({ orgKey, baseUrl, authorityKey: before });
    const both = new MachineID({ orgKey, baseUrl, authorityKey: announced });
    expect(await old.validate("a")).toMatchObject({ allowed: true });
    expect(await both.validate("a")).toMatchObject({ allowed: true });
    expect((await rotate(1)).body).toMatchObject({ code: "CONFLICT", allowed: false });

    now += 36_000;
    expect(await both.validate("a")).toMatchObject({ allowed: true });
    await expect(old.validate("a")).rejects.toMatchObject({ code: "RECEIPT_INVALID" });
    now += 36_000;
    expect(((await plain.jwks()) as Jwks).keys).toHaveLength(1);

    expect((await rotate(0)).body).toMatchObject({ status: "ok" });
    const [only, ...rest] = ((await plain.jwks()) as Jwks).keys;
    expect(rest).toEqual([]);
    expect(announced.keys.map(({ kid }) => kid)).not.toContain(only?.kid);
    await expect(both.validate("a")).rejects.toMatchObject({ code: "RECEIPT_INVALID" });
  });

  test("needs the administrator's key", async () => {
    await using authority = await startTestAuthority();
    const wrong = { ...authority, adminKey: "adm_unknown-0123456789abcdef" };
    const answer = await call(wrong, "POST", "/api/v1/authority/rotate_key", {});
    expect(answer).toMatchObject({ status: 401, body: { code: "ADMIN_KEY_INVALID" } });
    const odd = await call(authority, "POST", "/api/v1/authority/rotate_key", {
      overlap_hours: -1,
    });
    expect(odd).toMatchObject({ status: 400, body: { code: "REQUEST_MALFORMED" } });
  });
});

test("an authority answers a nonce that it cannot sign with 400, and does not pass it over", async () => {
  await using authority = await startTestAuthority();
  for (const nonce of ["short", "", 7, null, "with space in it", "x".repeat(129), "é".repeat(20)]) {
    const { status, body } = await call(authority, "POST", "/api/v1/devices/validate", {
      deviceId: "a",
      nonce,
    });
    expect([nonce, status, body["code"]]).toEqual([nonce, 400, "REQUEST_MALFORMED"]);
  }
  const nonce = `"\\${"~".repeat(20)}`;
  const { body } = await call(authority, "POST", "/api/v1/devices/validate", {
    deviceId: "a",
    nonce,
  });
  const [, payload = ""] = String(body["receipt"]).split(".");
  expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({ nonce });
});
