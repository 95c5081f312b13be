import type { OrgOperation } from "../wire/index.ts";

type Body = Readonly<Record<string, unknown>> | undefined;

/** A field that an authority might pass over, or the version that a restore should name. */
export type PreparedField = "dry_run" | "owner" | "if_version";

/** Operations that let work begin again. */
const RESTORES: ReadonlySet<OrgOperation> = new Set(["unrevoke", "unrevokeBatch", "resumeOrg"]);

/** What has to be found out before an operation is asked for. */
export function fieldToPrepare(operation: OrgOperation, body: Body): PreparedField | undefined {
  if (body?.["dry_run"] === true) return "dry_run";
  if (operation === "register" && body?.["owner"] !== undefined) return "owner";
  const isBareRestore = RESTORES.has(operation) && body?.["if_version"] === undefined;
  return isBareRestore ? "if_version" : undefined;
}
