/** Which allows go into the audit: all, a part of them from 0 to 1 chosen at random, or none. */
export type AuditDecisions = "all" | "none" | { readonly sampled: number };

/**
 * Tells, for one allow after the other, whether it goes into the audit.
 *
 * @throws TypeError when `sampled` is no number from 0 to 1
 */
export function auditsAllows(decisions: AuditDecisions): () => boolean {
  if (decisions === "all") return () => true;
  if (decisions === "none") return () => false;
  const { sampled } = decisions;
  if (!(sampled >= 0 && sampled <= 1)) {
    throw new TypeError("auditDecisions.sampled must be a number from 0 to 1");
  }
  return () => Math.random() < sampled;
}
