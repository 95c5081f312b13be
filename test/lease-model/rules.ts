/**
 * The protocol's sixteen rules, one switch for each part that can be taken out.
 * The number is the rule's.
 */
export const RULES = {
  countFromSending: "1: a term counts from the sending of the request",
  bothClocks: "1: age is the larger of monotonic and wall clock",
  clientGivesUp: "1: the client gives up 1 % of a term",
  authorityAdds: "1: the authority adds 1 % to a wait",
  authorityMonotonic: "1: the authority measures on its monotonic clock",
  wallBackEnds: "1: a wall clock seen to go back ends leases and unused answers",
  readAfterArrival: "2: a read serves only requests that arrived before it was sent",
  committedOnly: "2: nothing uncommitted is read",
  noExtension: "3: a lease is never extended by the client",
  storeAway: "4: a replica that cannot reach its store grants nothing",
  waits: "5: fenced only after the wait",
  waitFromCommit: "5: the wait begins when the commit was seen",
  rowsAfterCommit: "5: the replicas are read after the commit was seen",
  order: "6: version order is commit order",
  floor: "7: no allow from a read below the floor",
  reportWhenOver: "7: a replica reports when older allows are acknowledged or over",
  strictCounts: "7: strict allows are waited for like leases",
  discardUnderWay: "8: a stop discards answers that have not arrived",
  discardArrived: "8: a stop discards answers that have arrived but are unused",
  discardOnDenial: "8: a denial discards what was asked before",
  discardOnUnwatch: "8: an unwatch discards what was asked before",
  allowIsHint: "8: allow restores nothing",
  ackWhenTrue: "9: an acknowledgement is sent only after it is true",
  ackNamesDevices: "9: an acknowledgement counts for the devices it names",
  ackOfSession: "9: an acknowledgement counts for leases of its own session",
  nGrows: "10: n is not reused on a new connection",
  unwatchCarriesN: "10: unwatch releases leases of a smaller n",
  disconnectKeeps: "10: a lost connection releases nothing",
  rowBeforeGrant: "11: a process commits its row before it grants",
  outEndsGrants: "11: a process whose row is out grants nothing",
  outWaits: "11: a row is removed only after it was out for a wait",
  ownRowLast: "11: a process deletes its row only when no allow of its own remains",
  newProcessNewRow: "11: after a crash the old row stays and the process takes a new one",
  raiseBoth: "12: raising the ttl raises the wait with it",
  lowerWaits: "12: lowering the wait comes a wait after lowering the ttl",
  lowerIfUnchanged: "12: the wait is lowered only if the terms are unchanged",
  stoppedWaits: "13: a second stop of a stopped device waits too",
  ifVersion: "15: a restore names the stop it undoes",
  validMs: "16: a decision over the channel ages",
} as const;

export type Rule = keyof typeof RULES;

/**
 * Argued in ADR 16 and not modelled:
 *
 * - rule 1, that no deadline is stored as a time: nothing here could read it back
 * - rule 7, that a read's `version` is a notice: it only makes news arrive sooner
 * - rule 10, that `hello` and `watch` grant nothing: such a grant has no sending to count from
 * - rule 14, the timeline: the store of the model does not fail over
 */
export const ARGUED = ["1: no stored deadline", "7: version as notice", "10: hello", "14"] as const;
