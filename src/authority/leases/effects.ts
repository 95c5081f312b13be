import type { DecisionCode } from "../../wire/index.ts";

/** What a change means to leases. */
export type Effect =
  /** These devices are denied from now on; `everywhere`: all of the org. */
  | { readonly kind: "stop"; readonly code: DecisionCode; readonly everywhere: boolean }
  /** A key of the org has ended, and with it what was allowed under it. */
  | { readonly kind: "key_end" }
  /** These devices may be allowed again. */
  | { readonly kind: "restore"; readonly everywhere: boolean }
  /** Who it denies, only a decision can say. */
  | { readonly kind: "unknown" }
  | { readonly kind: "none" };

const stop = (code: DecisionCode, everywhere = false): Effect => ({
  kind: "stop",
  code,
  everywhere,
});
const restore = (everywhere = false): Effect => ({ kind: "restore", everywhere });
const UNKNOWN: Effect = { kind: "unknown" };
const KEY_END: Effect = { kind: "key_end" };
const NONE: Effect = { kind: "none" };

/** By the names that operations have in the change log. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  revoke: stop("DEVICE_REVOKED"),
  remove: stop("DEVICE_NOT_REGISTERED"),
  org_stop: stop("ORG_DISABLED", true),
  plan_frozen: stop("PLAN_FROZEN", true),
  plan_not_active: stop("PLAN_NOT_ACTIVE", true),
  register: restore(),
  unrevoke: restore(),
  org_resume: restore(true),
  org_change: UNKNOWN,
  key_revoke: KEY_END,
  key_end: KEY_END,
  key_rotate: UNKNOWN,
  // None of them takes anything from anybody.
  org_create: NONE,
  org_policy: NONE,
  key_create: NONE,
  admin_key_create: NONE,
  admin_key_rotate: NONE,
  lease_terms: NONE,
};

/** What an operation does to leases. One that nobody wrote down here may do anything. */
export const effectOf = (operation: string): Effect => EFFECTS[operation] ?? UNKNOWN;
