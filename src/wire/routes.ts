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
  meta: { method: "GET", path: "/api/v1/meta", handler: "meta" },
  events: { method: "GET", path: "/api/v1/events", handler: "events" },
  backup: { method: "POST", path: "/api/v1/backup", handler: "backup" },
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
/** Largest request body the authority reads, in bytes. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** Largest answer a client reads, in bytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
