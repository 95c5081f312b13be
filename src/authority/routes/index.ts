import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { auditRoute } from "./audit.ts";
import { auditChainsRoute } from "./audit-chains.ts";
import { backupRoute } from "./backup.ts";
import { createKeyRoute } from "./create-key.ts";
import { createOrgRoute } from "./create-org.ts";
import { eventsRoute } from "./events.ts";
import { healthzRoute } from "./healthz.ts";
import { jwksRoute } from "./jwks.ts";
import { listDevicesRoute } from "./list-devices.ts";
import { listKeysRoute } from "./list-keys.ts";
import { listOrgsRoute } from "./list-orgs.ts";
import { metaRoute } from "./meta.ts";
import { metricsRoute } from "./metrics.ts";
import { openapiRoute } from "./openapi.ts";
import { readOrgRoute } from "./read-org.ts";
import { readSessionsRoute } from "./read-sessions.ts";
import { readStopRoute } from "./read-stop.ts";
import { readyzRoute } from "./readyz.ts";
import { registerRoute } from "./register.ts";
import { removeRoute } from "./remove.ts";
import { revokeBatchRoute } from "./revoke-batch.ts";
import { resumeOrgRoute } from "./resume-org.ts";
import { revokeKeyRoute } from "./revoke-key.ts";
import { revokeRoute } from "./revoke.ts";
import { rotateKeyRoute } from "./rotate-key.ts";
import { rotateAdminKeyRoute } from "./rotate-admin-key.ts";
import { rotateSigningKeyRoute } from "./rotate-signing-key.ts";
import { setOrgPlanRoute } from "./set-org-plan.ts";
import { setOrgPolicyRoute } from "./set-org-policy.ts";
import { stopOrgRoute } from "./stop-org.ts";
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
  readOrgRoute,
  stopOrgRoute,
  readStopRoute,
  readSessionsRoute,
  resumeOrgRoute,
  setOrgPolicyRoute,
  createKeyRoute,
  listKeysRoute,
  revokeKeyRoute,
  rotateKeyRoute,
  metaRoute,
  healthzRoute,
  readyzRoute,
  auditRoute,
  auditChainsRoute,
  jwksRoute,
  rotateSigningKeyRoute,
  rotateAdminKeyRoute,
  eventsRoute,
  backupRoute,
  metricsRoute,
  openapiRoute,
];
