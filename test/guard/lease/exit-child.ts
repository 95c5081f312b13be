import { writeSync } from "node:fs";
import { createGuard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";

/* Ends while it has an acknowledgement to make, and prints what it sends then. */

const leases = scriptedLeases();
const guard = createGuard(leases.client, { deviceId: "a", enforcement: "lease", register: false });
await guard.check({ kind: "tool", name: "t" });
leases.push({
  type: "stop",
  version: 2,
  devices: ["a"],
  code: "DEVICE_REVOKED",
  ack_after_ms: 1000,
});
leases.onRequest = (request) => writeSync(1, JSON.stringify(request));
process.exit(0);
