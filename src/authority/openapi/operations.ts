import { MAX_AUDIT_PAGE, MAX_PAGE_SIZE, ROUTES } from "../../wire/index.ts";
import type { Operation } from "../../wire/index.ts";
import type { SchemaName } from "./schemas.ts";

/** Which key an operation needs. */
export type NeededKey = "org" | "admin" | "none";

/** What an operation answers, when it is no JSON of ours. */
export interface OtherContent {
  readonly type: string;
  readonly description: string;
}

/** One operation, as the OpenAPI document tells of it. */
export interface DescribedOperation {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly key: NeededKey;
  readonly request?: SchemaName;
  /** A body may be left out. @default true where there is a `request` */
  readonly requestRequired?: boolean;
  /** Parts of the path in braces, and what they mean. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Query parameters and what they mean. */
  readonly query?: Readonly<
    Record<string, { readonly description: string; readonly enum?: readonly string[] }>
  >;
  /** Other headers it reads, and what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers by status; any other status is a failure. */
  readonly answers: Readonly<Record<number, SchemaName | OtherContent>>;
}

type Description = Omit<DescribedOperation, "method" | "path" | "operationId">;

/** Operations of the API, by their name in {@link ROUTES}. Every one has to be here. */
const API: Readonly<Record<Operation, Description>> = {
  register: {
    summary: "Register a device. Idempotent; never restores a revoked one.",
    key: "org",
    request: "RegisterRequest",
    answers: { 200: "Registered", 403: "RegistrationBlocked" },
  },
  validate: {
    summary: "May this device begin work now? Decide on `allowed === true` alone.",
    key: "org",
    request: "ValidateRequest",
    answers: { 200: "Decision" },
  },
  listDevices: {
    summary: "List the org's devices: all of them, or a page when any parameter is given.",
    key: "org",
    query: {
      limit: { description: `Most devices on the page, 1 to ${MAX_PAGE_SIZE}.` },
      cursor: { description: "Where the page before ended." },
      devicePattern: { description: "Only devices that it covers, as worker:prod:*." },
    },
    answers: { 200: "DeviceList" },
  },
  revoke: {
    summary: "Deny a device from its next check on; with `wait`, answer once that has come true.",
    key: "org",
    request: "RevokeRequest",
    answers: { 200: "DeviceChange" },
  },
  unrevoke: {
    summary: "Restore a revoked device. 202: it waits for a second key.",
    key: "org",
    request: "UnrevokeRequest",
    answers: { 200: "DeviceChange", 202: "DeviceChange" },
  },
  remove: {
    summary: "Forget a device.",
    key: "org",
    request: "ChangeDeviceRequest",
    answers: { 200: "DeviceChange" },
  },
  revokeBatch: {
    summary: "Revoke devices, by ids or by a pattern, as one change.",
    key: "org",
    request: "BatchRequest",
    answers: { 200: "BatchChange" },
  },
  unrevokeBatch: {
    summary: "Restore devices as one change. Those that wait for a second key are pending.",
    key: "org",
    request: "BatchRequest",
    answers: { 200: "BatchChange" },
  },
  usage: {
    summary: "The plan, and how much of it is in use.",
    key: "org",
    answers: { 200: "Usage" },
  },
  createOrg: {
    summary: "Make an org. Its owner key is in the answer, and nowhere else.",
    key: "admin",
    request: "CreateOrgRequest",
    requestRequired: false,
    answers: { 200: "OrgCreated" },
  },
  listOrgs: { summary: "List all orgs.", key: "admin", answers: { 200: "OrgList" } },
  setOrgPlan: {
    summary: "Change an org's plan, its state or its end, at once.",
    key: "admin",
    request: "SetOrgPlanRequest",
    answers: { 200: "OrgPlanSet" },
  },
  readOrg: {
    summary: "Whether the org is stopped, and its policy.",
    key: "org",
    answers: { 200: "OrgState" },
  },
  stopOrg: {
    summary: "Deny every device of the org until it is resumed.",
    key: "org",
    request: "StopOrgRequest",
    requestRequired: false,
    answers: { 200: "OrgState" },
  },
  readStop: {
    summary: "How far a stop has come, with everybody whom it concerns.",
    key: "org",
    parameters: { version: "Version of the change that stopped something." },
    query: { cursor: { description: "Where the page before ended." } },
    answers: { 200: "Stop" },
  },
  readSessions: {
    summary: "How many processes with a lease channel each device has, of those that have any.",
    key: "org",
    query: { cursor: { description: "Where the page before ended." } },
    answers: { 200: "Sessions" },
  },
  resumeOrg: {
    summary: "End the stop of the org. 202: it waits for a second key.",
    key: "org",
    request: "ResumeOrgRequest",
    requestRequired: false,
    answers: { 200: "OrgState", 202: "OrgState" },
  },
  setOrgPolicy: {
    summary: "Decide whether restores need two keys.",
    key: "org",
    request: "SetOrgPolicyRequest",
    answers: { 200: "OrgState" },
  },
  createKey: {
    summary: "Make a key. It is in the answer, and nowhere else.",
    key: "org",
    request: "CreateKeyRequest",
    answers: { 200: "NewKey" },
  },
  listKeys: {
    summary: "List the org's keys, without what makes them keys.",
    key: "org",
    answers: { 200: "KeyList" },
  },
  revokeKey: {
    summary: "End a key at once.",
    key: "org",
    request: "RevokeKeyRequest",
    answers: { 200: "KeyChange" },
  },
  rotateKey: {
    summary: "Put a new key in the place of an old one, which works on for a while.",
    key: "org",
    request: "RotateKeyRequest",
    answers: { 200: "NewKey" },
  },
  audit: {
    summary: "A page of the org's audit.",
    key: "org",
    query: {
      cursor: { description: "Where the page before ended." },
      limit: { description: `Most entries on the page, 1 to ${MAX_AUDIT_PAGE}.` },
      order: { description: "Oldest or newest first.", enum: ["asc", "desc"] },
      deviceId: { description: "Only entries about this device." },
      code: { description: "Only entries with this code." },
      since: { description: "Only entries from this ISO 8601 instant on." },
      chain: { description: "Only entries of this chain." },
    },
    answers: { 200: "AuditPage" },
  },
  auditChains: {
    summary: "Where the chains of the org's audit end, signed.",
    key: "org",
    answers: { 200: "AuditChains" },
  },
  rotateSigningKey: {
    summary: "Announce a new signing key, which signs after the overlap.",
    key: "admin",
    request: "RotateSigningKeyRequest",
    requestRequired: false,
    answers: { 200: "SigningKeyRotated" },
  },
  rotateAdminKey: {
    summary: "Make another administrator's key; the one that asks ends after an overlap.",
    key: "admin",
    request: "RotateAdminKeyRequest",
    requestRequired: false,
    answers: { 200: "NewAdminKey" },
  },
  jwks: {
    summary: "The public keys that verify what this authority signs.",
    key: "none",
    answers: { 200: "JwkSet" },
  },
  meta: { summary: "What this authority is and can do.", key: "none", answers: { 200: "Meta" } },
  events: {
    summary: "The org's changes and decisions, as they happen.",
    key: "org",
    query: { type: { description: "Only events of this type.", enum: ["change", "decision"] } },
    headers: { "last-event-id": "Go on after this event." },
    answers: {
      200: {
        type: "text/event-stream",
        description:
          "Server-Sent Events `change` and `decision`, whose data is an OrgEvent; and `reset`, after which what came before is not told.",
      },
    },
  },
  backup: {
    summary: "A copy of the whole store, made while it is in use.",
    key: "admin",
    answers: { 200: { type: "application/vnd.sqlite3", description: "A SQLite database." } },
  },
};

const described = Object.entries(API).map(([operation, description]): DescribedOperation => {
  const { method, path } = ROUTES[operation as Operation];
  return { ...description, method, path, operationId: operation };
});

/** Every operation there is. */
export const DESCRIBED_OPERATIONS: readonly DescribedOperation[] = [
  ...described,
  {
    method: "GET",
    path: "/healthz",
    operationId: "healthz",
    summary: "The process answers.",
    key: "none",
    answers: { 200: "Health" },
  },
  {
    method: "GET",
    path: "/readyz",
    operationId: "readyz",
    summary: "The store takes writes, and the authority is not about to end; else 503.",
    key: "none",
    answers: { 200: "Health" },
  },
  {
    method: "GET",
    path: "/metrics",
    operationId: "metrics",
    summary: "What the authority counted.",
    key: "admin",
    answers: { 200: { type: "text/plain", description: "Prometheus' text format." } },
  },
  {
    method: "GET",
    path: "/openapi.json",
    operationId: "openapi",
    summary: "This document.",
    key: "none",
    answers: { 200: { type: "application/json", description: "An OpenAPI 3.1 document." } },
  },
];
