import type { OrgStateAnswer } from "../../wire/index.ts";
import type { OrgRecord } from "../store/records.ts";

/** How an org is answered to its own keys. */
export function answerOrgState(
  org: OrgRecord,
): Pick<OrgStateAnswer, "orgId" | "stopped" | "twoPersonRestore" | "resumeRequestedBy"> {
  return {
    orgId: org.id,
    stopped: org.disabled,
    twoPersonRestore: org.twoPersonRestore,
    resumeRequestedBy: org.restoreRequest?.by ?? null,
  };
}
