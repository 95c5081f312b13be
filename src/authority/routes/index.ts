import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { backupRoute } from "./backup.ts";
import { createOrgRoute } from "./create-org.ts";
import { eventsRoute } from "./events.ts";
import { healthzRoute } from "./healthz.ts";
import { listDevicesRoute } from "./list-devices.ts";
import { listOrgsRoute } from "./list-orgs.ts";
import { metaRoute } from "./meta.ts";
import { metricsRoute } from "./metrics.ts";
import { openapiRoute } from "./openapi.ts";
import { readyzRoute } from "./readyz.ts";
import { registerRoute } from "./register.ts";
import { removeRoute } from "./remove.ts";
import { revokeBatchRoute } from "./revoke-batch.ts";
import { revokeRoute } from "./revoke.ts";
import { setOrgPlanRoute } from "./set-org-plan.ts";
import { unrevokeBatchRoute } from "./unrevoke-batch.ts";
import { unrevokeRoute } from "./unrevoke.ts";
import { usageRoute } from "./usage.ts";
import { validateRoute } from "./validate.ts";

/** Every operation of the API. */
export const ROUTE_FACTORIES: readonly ((services: Services) => AuthorityRoute)[] = [
  registerRoute,
  validateRoute,
  listDevicesRoute,
  revokeRoute,
  unrevokeRoute,
  removeRoute,
  revokeBatchRoute,
  unrevokeBatchRoute,
  usageRoute,
  createOrgRoute,
  listOrgsRoute,
  setOrgPlanRoute,
  metaRoute,
  healthzRoute,
  readyzRoute,
  eventsRoute,
  backupRoute,
  metricsRoute,
  openapiRoute,
];
