import { HANDLERS, listDevicesQuerySchema, MAX_PAGE_SIZE, ROUTES } from "../../wire/index.ts";
import type { Device } from "../../wire/index.ts";
import { answer, sendJson } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { Visitor } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Turns } from "../limits/turns.ts";
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
  const handler = HANDLERS.listDevices;
  const turns = new Turns();
  return {
    ...ROUTES.listDevices,
    access: "devices:list",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const page = parsePage(request.query);
      if (page === undefined) {
        const { keyHash } = visitor.caller;
        const devices = await turns.take(keyHash, () => allDevices(visitor, services));
        const json = `{"status":"ok","handler":"${handler}","devices":[${devices}],"request_id":"${request.id}"}`;
        return sendJson(reply, 200, json);
      }
      const outcome = await services.store.listDevices(visitor.caller, page);
      const { devices, more, version } = visitor.accepted(outcome);
      const cursor = more ? String(devices.at(-1)?.id) : null;
      const listed = { status: "ok", handler, devices: devices.map(answerListed) };
      return answer(reply, { ...listed, cursor, version });
    },
  };
}

/** All devices as JSON. Pages and turns keep the lists of a large org from holding decisions up. */
async function allDevices(visitor: Visitor, { store }: Services): Promise<string> {
  const parts: string[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const outcome = await store.listDevices(visitor.caller, { after, limit: MAX_PAGE_SIZE });
    const { devices, more } = visitor.accepted(outcome);
    for (const device of devices) parts.push(JSON.stringify(answerDevice(device)));
    after = more ? devices.at(-1)?.id : undefined;
  }
  return parts.join();
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
