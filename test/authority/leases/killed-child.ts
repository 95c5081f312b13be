/* An authority that gives a strict allow, and is killed. Its argument is the store's file. */
import { call, startTestAuthority } from "../../support/authority.ts";

const authority = await startTestAuthority({
  path: process.argv[2] ?? "",
  ownerKey: "org_0123456789abcdef0123456789abcdef",
});
for (const operation of ["register", "validate"]) {
  await call(authority, "POST", `/api/v1/devices/${operation}`, { deviceId: "a" });
}
process.send?.("ready");
