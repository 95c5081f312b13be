import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Jwks } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import { startProxy } from "../support/proxy.ts";

test("nothing is repeated of a receipt that is none: it may hold the key", async () => {
  const orgKey = "org_0123456789abcdef";
  await using authority = await startTestAuthority({ ownerKey: orgKey });
  await using proxy = await startProxy(authority.url, (passing) => {
    const echoed = Buffer.from(orgKey).toString("base64url");
    passing.body = { ...passing.body, receipt: `${echoed}.${echoed}.${echoed}` };
  });
  const authorityKey = (await new MachineID({ orgKey, baseUrl: authority.url }).jwks()) as Jwks;
  const client = new MachineID({ orgKey, baseUrl: proxy.url, authorityKey });
  const guard = createGuard(client, { deviceId: "a", register: false });
  const error: unknown = await guard.check({ kind: "tool" }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "RECEIPT_INVALID" });
  expect(inspect(error, { depth: 9 })).not.toContain("org_");
});
