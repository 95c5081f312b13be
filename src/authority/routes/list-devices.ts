import { ROUTES } from "../../wire/index.ts";
import type { Device } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { isoInstant } from "../plan.ts";
import type { Services } from "../services.ts";
import type { DeviceRecord } from "../store/records.ts";

/** All devices of the org, in the order of their registration. */
export function listDevicesRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.listDevices;
  return {
    ...ROUTES.listDevices,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const { devices } = knownOrgKey(await services.store.listDevices(caller));
      return answer(reply, { status: "ok", handler, devices: devices.map(answerDevice) });
    },
  };
}

function answerDevice({ deviceId, createdAt, lastSeenAt, revokedAt }: DeviceRecord): Device {
  const revoked = revokedAt !== null;
  return {
    deviceId,
    status: revoked ? "revoked" : "active",
    revoked,
    createdAt: isoInstant(createdAt),
    lastSeenAt: isoInstant(lastSeenAt),
    revokedAt: isoInstant(revokedAt),
  };
}
