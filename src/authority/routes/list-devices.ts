import { listDevicesQuerySchema, MAX_PAGE_SIZE, ROUTES } from "../../wire/index.ts";
import type { Device } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { isoInstant } from "../plan.ts";
import type { Services } from "../services.ts";
import type { DevicePage } from "../store/device-store.ts";
import type { DeviceRecord } from "../store/records.ts";

/**
 * Devices of the org, in the order of their registration: all of them in the
 * form that old clients know, or, asked for with a limit, a cursor or a pattern,
 * a page.
 */
export function listDevicesRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.listDevices;
  return {
    ...ROUTES.listDevices,
    access: "devices:list",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const page = parsePage(request.query);
      const outcome = await services.store.listDevices(visitor.caller, page);
      const { devices, more, version } = visitor.accepted(outcome);
      const listed = { status: "ok", handler };
      if (page === undefined) {
        return answer(reply, { ...listed, devices: devices.map(answerDevice) });
      }
      const cursor = more ? String(devices.at(-1)?.id) : null;
      return answer(reply, { ...listed, devices: devices.map(answerListed), cursor, version });
    },
  };
}

/** The page that a query asks for; undefined when it asks for none. */
function parsePage(query: unknown): DevicePage | undefined {
  const { limit, cursor, devicePattern } = parseBody(listDevicesQuerySchema, query);
  if (limit === undefined && cursor === undefined && devicePattern === undefined) return undefined;
  return {
    limit: limit ?? MAX_PAGE_SIZE,
    ...(cursor === undefined ? {} : { after: cursor }),
    ...(devicePattern === undefined ? {} : { devicePattern }),
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

function answerListed(device: DeviceRecord): Device {
  const { version, owner, restoreRequest } = device;
  return {
    ...answerDevice(device),
    version,
    owner,
    restoreRequestedBy: restoreRequest?.by ?? null,
  };
}
