/** Where each operation of the MachineID v1 API lives. */

export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
}

const at =
  <Method extends Route["method"]>(method: Method) =>
  <Path extends string>(path: Path) => ({ method, path: `/api/v1/${path}` as const });
const get = at("GET");
const post = at("POST");

/** What a client of an org asks for. */
export const ORG_ROUTES = {
  register: post("devices/register"),
  validate: post("devices/validate"),
  listDevices: get("devices/list"),
  revoke: post("devices/revoke"),
  unrevoke: post("devices/unrevoke"),
  remove: post("devices/remove"),
  revokeBatch: post("devices/revoke_batch"),
  unrevokeBatch: post("devices/unrevoke_batch"),
  usage: get("usage"),
  readOrg: get("org"),
  stopOrg: post("org/stop"),
  readStop: get("stops/{version}"),
  readSessions: get("sessions"),
  resumeOrg: post("org/resume"),
  setOrgPolicy: post("org/policy"),
  createKey: post("keys/create"),
  listKeys: get("keys/list"),
  revokeKey: post("keys/revoke"),
  rotateKey: post("keys/rotate"),
  meta: get("meta"),
  audit: get("audit"),
  auditChains: get("audit/chains"),
  jwks: { method: "GET", path: "/.well-known/jwks.json" },
} as const satisfies Record<string, Route>;

// Marked as pure, so that a client of an org loads none of it.
/** What a self-hosted authority has besides: its administrator's operations, and the event stream. */
const AUTHORITY_ROUTES = {
  createOrg: /* @__PURE__ */ post("org/create"),
  listOrgs: /* @__PURE__ */ get("org/list"),
  setOrgPlan: /* @__PURE__ */ post("org/plan"),
  events: /* @__PURE__ */ get("events"),
  backup: /* @__PURE__ */ post("backup"),
  rotateSigningKey: /* @__PURE__ */ post("authority/rotate_key"),
  rotateAdminKey: /* @__PURE__ */ post("authority/rotate_admin_key"),
} as const satisfies Record<string, Route>;

export const ROUTES = /* @__PURE__ */ Object.assign({}, ORG_ROUTES, AUTHORITY_ROUTES);

export type OrgOperation = keyof typeof ORG_ROUTES;
export type Operation = keyof typeof ROUTES;

/** Where the lease channel, a WebSocket, is opened. */
export const LEASE_PATH = "/api/v1/leases";

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
/** How long a stop is waited for when nobody says so, and at most, in milliseconds. */
export const DEFAULT_STOP_TIMEOUT_MS = 15_000;
export const MAX_STOP_TIMEOUT_MS = 15 * 60_000;
