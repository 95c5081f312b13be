import type { DecisionCode } from "../wire/index.ts";
import type { DeviceRecord, OrgRecord } from "./store/records.ts";

/** The answer to "may this device begin work now?". */
export interface Decision {
  readonly allowed: boolean;
  readonly code: DecisionCode;
  /** A legacy word for old clients. */
  readonly status: "allowed" | "blocked";
  /** A legacy word for old clients: the code in lower case. */
  readonly reason: string;
}

const denial = (code: DecisionCode): Decision =>
  Object.freeze({ allowed: false, code, status: "blocked", reason: code.toLowerCase() });

/** Every decision there is. They are shared and frozen: a decision carries no data of its own. */
export const DECISIONS: { readonly [Code in DecisionCode]: Decision } = Object.freeze({
  ALLOW: Object.freeze({ allowed: true, code: "ALLOW", status: "allowed", reason: "allow" }),
  DEVICE_REVOKED: denial("DEVICE_REVOKED"),
  DEVICE_NOT_REGISTERED: denial("DEVICE_NOT_REGISTERED"),
  PLAN_FROZEN: denial("PLAN_FROZEN"),
  PLAN_NOT_ACTIVE: denial("PLAN_NOT_ACTIVE"),
  ORG_DISABLED: denial("ORG_DISABLED"),
});

/** The part of an org that decisions rest on. */
export type OrgStanding = Pick<OrgRecord, "disabled" | "planState" | "accessUntil">;

/** The part of a device that decisions rest on. */
export type DeviceStanding = Pick<DeviceRecord, "revokedAt">;

/**
 * Decides whether a device may begin work. Pure: the same facts give the same
 * decision.
 *
 * When several denials apply, the one that a person ordered is named first, the
 * widest of them before the narrower: the whole org is stopped, then this device
 * is revoked. Then what the plan forbids, and last that the device is unknown,
 * since registering it would mend nothing before. So whoever revoked a device
 * sees it revoked, and nobody concludes that paying a bill restores it.
 *
 * @param org the org that the caller's key belongs to
 * @param device the device, or undefined when the org has none of that id
 * @param now milliseconds since the epoch
 */
export function decide(
  org: OrgStanding,
  device: DeviceStanding | undefined,
  now: number,
): Decision {
  if (org.disabled) return DECISIONS.ORG_DISABLED;
  if (device !== undefined && device.revokedAt !== null) return DECISIONS.DEVICE_REVOKED;
  if (org.planState === "frozen") return DECISIONS.PLAN_FROZEN;
  if (org.planState !== "active") return DECISIONS.PLAN_NOT_ACTIVE;
  if (org.accessUntil !== null && now >= org.accessUntil) return DECISIONS.PLAN_NOT_ACTIVE;
  if (device === undefined) return DECISIONS.DEVICE_NOT_REGISTERED;
  return DECISIONS.ALLOW;
}

/** What becomes of a request to register a device. */
export type RegistrationDecision =
  | { readonly outcome: "created" | "exists" }
  | {
      readonly outcome: "blocked";
      readonly code:
        | Exclude<DecisionCode, "ALLOW" | "DEVICE_NOT_REGISTERED">
        | "DEVICE_LIMIT_REACHED";
    };

/**
 * Decides whether a device may be registered: under the same denials, in the
 * same order, as {@link decide}; then a device that exists stays as it is, and a
 * new one needs a free place. Registering never restores a revoked device.
 *
 * @param devicesUsed registered devices of the org that are not revoked
 */
export function decideRegistration(
  org: OrgStanding & Pick<OrgRecord, "limit">,
  device: DeviceStanding | undefined,
  devicesUsed: number,
  now: number,
): RegistrationDecision {
  const { code } = decide(org, device, now);
  if (code === "ALLOW") return { outcome: "exists" };
  if (code !== "DEVICE_NOT_REGISTERED") return { outcome: "blocked", code };
  if (org.limit !== null && devicesUsed >= org.limit) {
    return { outcome: "blocked", code: "DEVICE_LIMIT_REACHED" };
  }
  return { outcome: "created" };
}
