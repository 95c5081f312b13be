/** One thing that the doctor looked at. */
export interface Finding {
  readonly name: string;
  /** `outage`: a problem that leaves the authority without an answer. */
  readonly status: "ok" | "warning" | "problem" | "outage" | "skipped";
  /** What was found. */
  readonly message: string;
  /** What to do about it. */
  readonly mend?: string | undefined;
}

type Found = (name: string, message: string, mend?: string) => Finding;

const found =
  (status: Finding["status"]): Found =>
  (name, message, mend) => ({ name, status, message, ...(mend === undefined ? {} : { mend }) });

export const ok: Found = found("ok");
export const warning: Found = found("warning");
export const problem: Found = found("problem");
export const outage: Found = found("outage");
export const skipped: Found = found("skipped");
