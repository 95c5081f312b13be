import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import type { Authority } from "../../src/authority/index.ts";

const OWN_KEY = "org_chosen-by-the-operator-0123456789";

describe("bootstrap", () => {
  let authority: Authority;
  beforeEach(async () => {
    authority = createAuthority({ store: await sqliteStore(":memory:") });
  });
  afterEach(async () => {
    await authority.close();
  });

  it("makes both keys on a new store, and shows them once", async () => {
    const keys = await authority.bootstrap();
    expect(keys.ownerKey).toMatch(/^org_[\w-]{43}$/);
    expect(keys.adminKey).toMatch(/^adm_[\w-]{43}$/);
    expect(await authority.bootstrap()).toEqual({});
  });

  it("accepts an owner key that the operator chose, once", async () => {
    expect(await authority.bootstrap({ ownerKey: OWN_KEY })).toMatchObject({ ownerKey: OWN_KEY });
    expect(await authority.bootstrap({ ownerKey: OWN_KEY })).toEqual({});
  });

  it("refuses an owner key that belongs to no org of the store", async () => {
    await authority.bootstrap();
    await expect(authority.bootstrap({ ownerKey: OWN_KEY })).rejects.toMatchObject({
      code: "OWNER_KEY_UNKNOWN",
    });
  });

  it.each([
    "",
    "org_short",
    "key_0123456789012345678",
    "org_with a space 0123456789",
    `org_${"x".repeat(201)}`,
  ])("refuses %j as an owner key, without repeating it", async (ownerKey) => {
    const refused = authority.bootstrap({ ownerKey });
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(/org_ followed by 16 to 200/);
  });
});
