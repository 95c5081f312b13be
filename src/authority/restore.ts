import { isLive, mayRestore } from "./authorize.ts";
import type { KeyStanding } from "./authorize.ts";
import type { DeviceRecord, OrgRecord, RestoreRequest } from "./store/records.ts";

/** How long a request for a restore waits for its second key, in milliseconds: a day. */
export const RESTORE_REQUEST_MS = 24 * 60 * 60 * 1000;

/** Who asks for a restore, and on what grounds. */
export interface RestoreContext {
  readonly org: Pick<OrgRecord, "twoPersonRestore">;
  readonly key: KeyStanding;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The change log as far as the caller has seen it. */
  readonly ifVersion: number | undefined;
  /** A key of the org by its id, live or not. */
  readonly keyById: (id: string) => KeyStanding | undefined;
}

/** What becomes of a request to restore: `pending` waits for another key. */
export type RestoreDecision = "restored" | "pending" | "conflict";

/**
 * Decides whether what was stopped at `version` is restored. A caller that has
 * not seen that stop cannot undo it, so that a delayed restore never undoes a
 * later stop. Where two keys are needed, the first only asks; it counts while it
 * is live, and for a day.
 */
export function decideRestore(
  { org, key, at, ifVersion, keyById }: RestoreContext,
  stopped: { readonly version: number; readonly request: RestoreRequest | null },
): RestoreDecision {
  if (ifVersion !== undefined && stopped.version > ifVersion) return "conflict";
  if (!org.twoPersonRestore) return "restored";
  const { request } = stopped;
  if (request === null || at - request.at >= RESTORE_REQUEST_MS) return "pending";
  const asker = keyById(request.by);
  if (asker === undefined || !isLive(asker, at)) return "pending";
  // A key and the one it was rotated to are in the same hands.
  return newestOf(asker, keyById) === newestOf(key, keyById) ? "pending" : "restored";
}

/** Id of the key that a key was rotated to in the end; its own when it was not. */
function newestOf(key: KeyStanding, keyById: RestoreContext["keyById"]): string {
  let newest = key;
  for (;;) {
    const next = newest.replacedBy === null ? undefined : keyById(newest.replacedBy);
    if (next === undefined) return newest.id;
    newest = next;
  }
}

/** What a change of several devices does to one of them. */
export interface RevocationStep {
  readonly deviceId: string;
  /** Undefined when the org has no such device. */
  readonly device: DeviceRecord | undefined;
  /**
   * `revoke`, `restore`: changes whether it is allowed. `request`: notes who asked for the
   * restore. `withdraw`: forgets who did. `none`: it is so already, or unknown.
   */
  readonly step: "revoke" | "restore" | "request" | "withdraw" | "none";
}

/** What a request to revoke or restore devices does: all of it, or none. */
export type RevocationPlan =
  | { readonly kind: "steps"; readonly steps: readonly RevocationStep[] }
  | { readonly kind: "conflict"; readonly deviceId: string; readonly version: number }
  | { readonly kind: "forbidden"; readonly deviceId: string };

/** Decides what revoking devices does. A second revocation withdraws a request to restore. */
export function planRevocation(
  deviceIds: readonly string[],
  deviceOf: (deviceId: string) => DeviceRecord | undefined,
): RevocationPlan {
  const steps = stepsOf(deviceIds, deviceOf, (device) => {
    if (device.revokedAt === null) return "revoke";
    return device.restoreRequest === null ? "none" : "withdraw";
  });
  return { kind: "steps", steps };
}

/** Decides what restoring devices does. One that may not be restored keeps all from it. */
export function planRestore(
  deviceIds: readonly string[],
  deviceOf: (deviceId: string) => DeviceRecord | undefined,
  context: RestoreContext,
): RevocationPlan {
  let refused: RevocationPlan | undefined;
  const steps = stepsOf(deviceIds, deviceOf, (device) => {
    if (device.revokedAt === null || refused !== undefined) return "none";
    const { deviceId, version, restoreRequest: request } = device;
    if (!mayRestore(context.key, device)) {
      refused = { kind: "forbidden", deviceId };
      return "none";
    }
    const decision = decideRestore(context, { version, request });
    if (decision === "restored") return "restore";
    if (decision === "pending") return "request";
    refused = { kind: "conflict", deviceId, version };
    return "none";
  });
  return refused ?? { kind: "steps", steps };
}

/** Each id once: what comes of it the first time leaves nothing to do the second. */
function stepsOf(
  deviceIds: readonly string[],
  deviceOf: (deviceId: string) => DeviceRecord | undefined,
  decide: (device: DeviceRecord) => RevocationStep["step"],
): RevocationStep[] {
  const seen = new Map<string, RevocationStep["step"]>();
  return deviceIds.map((deviceId) => {
    const device = deviceOf(deviceId);
    const before = seen.get(deviceId);
    if (before !== undefined) {
      // A request that was noted a moment ago is still one.
      return { deviceId, device, step: before === "request" ? "request" : "none" };
    }
    const step = device === undefined ? "none" : decide(device);
    seen.set(deviceId, step);
    return { deviceId, device, step };
  });
}
