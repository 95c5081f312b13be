import type { KeyRole } from "../../src/wire/index.ts";
import { call } from "./authority.ts";
import type { TestAuthority } from "./authority.ts";

/** A key, and its id. */
export interface ScopedKey {
  readonly secret: string;
  readonly keyId: string;
}

/** Makes a key with an owner key, over the API. An agent's is for every device unless told otherwise. */
export async function createScopedKey(
  authority: TestAuthority,
  role: KeyRole,
  terms: Readonly<Record<string, unknown>> = {},
): Promise<ScopedKey> {
  const pattern = role === "agent" ? { devicePattern: "*" } : {};
  const created = await call(authority, "POST", "/api/v1/keys/create", {
    role,
    ...pattern,
    ...terms,
  });
  if (created.status !== 200) throw new Error(`no key was made: ${JSON.stringify(created.body)}`);
  const { secret, key } = created.body as { secret: string; key: { keyId: string } };
  return { secret, keyId: key.keyId };
}

/** Makes another org, and answers its owner key and id. */
export async function createOrg(
  authority: TestAuthority,
): Promise<{ readonly ownerKey: string; readonly orgId: string }> {
  const created = await call(authority, "POST", "/api/v1/org/create", {});
  return { ownerKey: String(created.body["orgApiKey"]), orgId: String(created.body["orgId"]) };
}
