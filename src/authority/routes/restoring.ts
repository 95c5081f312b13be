import { Failure } from "../failure.ts";
import type { RestoreOptions, VersionConflict } from "../store/caller.ts";

/** The fields of a body that every restore has. */
export function restoreOptions({
  reason,
  if_version: ifVersion,
}: {
  readonly reason?: string;
  readonly if_version?: number;
}): RestoreOptions {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(ifVersion === undefined ? {} : { ifVersion }),
  };
}

/** @throws Failure CONFLICT when what was to be restored was changed meanwhile */
export function unconflicted<Outcome extends { readonly kind: string }>(
  outcome: Outcome | VersionConflict,
): Exclude<Outcome, VersionConflict> {
  if (!isConflict(outcome)) return outcome as Exclude<Outcome, VersionConflict>;
  throw new Failure(
    "CONFLICT",
    `It was changed in version ${outcome.version}, after if_version; look again before restoring.`,
  );
}

const isConflict = (outcome: { readonly kind: string }): outcome is VersionConflict =>
  outcome.kind === "version_conflict";

/** How a restore is answered that waits for a second key: accepted, and not done. */
export const pendingStatus = (
  pending: boolean,
): { readonly httpStatus: 200 | 202; readonly status: "ok" | "pending" } =>
  pending ? { httpStatus: 202, status: "pending" } : { httpStatus: 200, status: "ok" };
