/** Where each operation of the MachineID v1 API lives. */

export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The operation's name as answers spell it in `handler`. */
  readonly handler: string;
}

export const ROUTES = {
  register: { method: "POST", path: "/api/v1/devices/register", handler: "devices/register" },
  validate: { method: "POST", path: "/api/v1/devices/validate", handler: "devices/validate" },
  listDevices: { method: "GET", path: "/api/v1/devices/list", handler: "devices/list" },
  revoke: { method: "POST", path: "/api/v1/devices/revoke", handler: "devices/revoke" },
  unrevoke: { method: "POST", path: "/api/v1/devices/unrevoke", handler: "devices/unrevoke" },
  remove: { method: "POST", path: "/api/v1/devices/remove", handler: "devices/remove" },
  revokeBatch: {
    method: "POST",
    path: "/api/v1/devices/revoke_batch",
    handler: "devices/revoke_batch",
  },
  unrevokeBatch: {
    method: "POST",
    path: "/api/v1/devices/unrevoke_batch",
    handler: "devices/unrevoke_batch",
  },
  usage: { method: "GET", path: "/api/v1/usage", handler: "usage" },
  createOrg: { method: "POST", path: "/api/v1/org/create", handler: "org_create" },
  listOrgs: { method: "GET", path: "/api/v1/org/list", handler: "org_list" },
  setOrgPlan: { method: "POST", path: "/api/v1/org/plan", handler: "org_plan" },
  readOrg: { method: "GET", path: "/api/v1/org", handler: "org" },
  stopOrg: { method: "POST", path: "/api/v1/org/stop", handler: "org_stop" },
  resumeOrg: { method: "POST", path: "/api/v1/org/resume", handler: "org_resume" },
  setOrgPolicy: { method: "POST", path: "/api/v1/org/policy", handler: "org_policy" },
  createKey: { method: "POST", path: "/api/v1/keys/create", handler: "keys/create" },
  listKeys: { method: "GET", path: "/api/v1/keys/list", handler: "keys/list" },
  revokeKey: { method: "POST", path: "/api/v1/keys/revoke", handler: "keys/revoke" },
  rotateKey: { method: "POST", path: "/api/v1/keys/rotate", handler: "keys/rotate" },
  meta: { method: "GET", path: "/api/v1/meta", handler: "meta" },
  events: { method: "GET", path: "/api/v1/events", handler: "events" },
  backup: { method: "POST", path: "/api/v1/backup", handler: "backup" },
  audit: { method: "GET", path: "/api/v1/audit", handler: "audit" },
  auditChains: { method: "GET", path: "/api/v1/audit/chains", handler: "audit_chains" },
  rotateSigningKey: {
    method: "POST",
    path: "/api/v1/authority/rotate_key",
    handler: "authority_rotate_key",
  },
  jwks: { method: "GET", path: "/.well-known/jwks.json", handler: "jwks" },
} as const satisfies Record<string, Route>;

export type Operation = keyof typeof ROUTES;

/** Header that carries the org key. A key never travels in a URL. */
export const ORG_KEY_HEADER = "x-org-key";
/** Header that carries the key of a self-hosted authority's administrator. */
export const ADMIN_KEY_HEADER = "x-admin-key";
/** Header that repeats an answer's `request_id`. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Most device ids in one batch request, if their body is no larger than {@link MAX_REQUEST_BYTES}. */
export const MAX_BATCH_SIZE = 1000;
/** Most devices on one page of a list, and most that a batch by pattern names in its answer. */
export const MAX_PAGE_SIZE = 500;
/** Longest time for which a rotated key works beside its successor, in milliseconds: 30 days. */
export const MAX_OVERLAP_MS = 30 * 24 * 60 * 60 * 1000;
/** Largest request body the authority reads, in bytes. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** Largest answer a client reads, in bytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
/** Most audit entries in one answer. */
export const MAX_AUDIT_PAGE = 1000;
