/** What a client did: when it sent a request and when it had the answer, by one clock. */
export interface Operation {
  readonly operation: "register" | "validate" | "revoke" | "unrevoke" | "remove";
  readonly deviceId: string;
  readonly sentAt: number;
  /** Infinity when nobody knows what came of it. */
  readonly answeredAt: number;
  readonly requestId?: string;
  /** Of a decision: whether it let the device work. */
  readonly allowed?: boolean;
  /** Of a change or a registration: whether the authority says that it was made. */
  readonly made?: boolean;
  /** The version that was answered. */
  readonly version?: number;
}

/** One change, as the store's change log has it. */
export interface LoggedChange {
  readonly version: number;
  readonly operation: string;
  readonly deviceIds: readonly string[];
}

/** All that is known once the work is over. */
export interface History {
  readonly operations: readonly Operation[];
  /** All changes of the org, in order. */
  readonly log: readonly LoggedChange[];
  /** Request ids that the org's audit holds. */
  readonly audited: ReadonlySet<string>;
  /** The devices at the end, and whether they are revoked. */
  readonly devices: ReadonlyMap<string, boolean>;
  readonly cap: number;
}

/** Everything in a history that a sound authority cannot have done. */
export function violationsIn(history: History): string[] {
  return [
    ...allowedAfterRevoke(history.operations),
    ...olderThanWhatWasKnown(history.operations),
    ...notAsTheLogSays(history),
    ...overTheCap(history),
    ...lost(history),
  ];
}

const describe = ({ operation, deviceId, version, requestId }: Operation): string =>
  `${operation} of ${deviceId} at version ${version ?? "?"} (${requestId ?? "no answer"})`;

/** A check that began after a revoke was answered, and ended before any later unrevoke began. */
export function allowedAfterRevoke(operations: readonly Operation[]): string[] {
  const found: string[] = [];
  const byDevice = Map.groupBy(operations, ({ deviceId }) => deviceId);
  for (const own of byDevice.values()) {
    const restores = own.filter(
      ({ operation }) => operation === "unrevoke" || operation === "register",
    );
    const allows = own.filter(({ allowed }) => allowed === true);
    for (const revoke of own) {
      if (revoke.operation !== "revoke" || revoke.made !== true) continue;
      // One that was under way with the revoke may have come after it, and one of unknown outcome at any time.
      const restoredAt = Math.min(
        ...restores
          .filter(({ answeredAt }) => answeredAt > revoke.sentAt)
          .map(({ sentAt }) => sentAt),
      );
      for (const allow of allows) {
        if (allow.sentAt > revoke.answeredAt && allow.answeredAt < restoredAt) {
          found.push(`${describe(allow)} was allowed after ${describe(revoke)}`);
        }
      }
    }
  }
  return found;
}

/** Whoever asks after an answer was given is answered from that version or a later one. */
function olderThanWhatWasKnown(operations: readonly Operation[]): string[] {
  const answered = operations.filter(({ version }) => version !== undefined);
  const byAnswer = answered.toSorted((one, other) => one.answeredAt - other.answeredAt);
  const bySending = answered.toSorted((one, other) => one.sentAt - other.sentAt);
  const found: string[] = [];
  let known = 0;
  let next = 0;
  for (const operation of bySending) {
    for (
      let earlier = byAnswer[next];
      earlier !== undefined && earlier.answeredAt < operation.sentAt;
      earlier = byAnswer[next]
    ) {
      // An unchanged device is answered with the version that made it so.
      if (earlier.operation === "validate" || earlier.made === true) {
        known = Math.max(known, earlier.version ?? 0);
      }
      next += 1;
    }
    if (operation.operation === "validate" && (operation.version ?? 0) < known) {
      found.push(`${describe(operation)} was older than version ${known}, which was known`);
    }
  }
  return found;
}

/** Whether each device may work, at every version. */
class Replay {
  readonly #steps = new Map<string, { readonly version: number; readonly active: boolean }[]>();

  constructor(log: readonly LoggedChange[]) {
    for (const { version, operation, deviceIds } of log) {
      const active = operation === "register" || operation === "unrevoke";
      for (const deviceId of deviceIds) {
        const steps = this.#steps.get(deviceId) ?? [];
        steps.push({ version, active });
        this.#steps.set(deviceId, steps);
      }
    }
  }

  isActive(deviceId: string, version: number): boolean {
    const steps = this.#steps.get(deviceId) ?? [];
    return steps.findLast((step) => step.version <= version)?.active === true;
  }
}

/** A decision is what the log says of its version, and what is stored is what the log ends with. */
function notAsTheLogSays({ operations, log, devices }: History): string[] {
  const replay = new Replay(log);
  const found: string[] = [];
  for (const operation of operations) {
    const { allowed, version, deviceId } = operation;
    if (allowed === undefined || version === undefined) continue;
    if (replay.isActive(deviceId, version) !== allowed) {
      found.push(`${describe(operation)} answered ${String(allowed)}, unlike the change log`);
    }
  }
  const end = log.at(-1)?.version ?? 0;
  for (const [deviceId, revoked] of devices) {
    if (replay.isActive(deviceId, end) === revoked) {
      found.push(`${deviceId} ends otherwise than the change log`);
    }
  }
  for (const [index, { version }] of log.entries()) {
    if (index > 0 && version <= (log[index - 1]?.version ?? 0)) {
      found.push(`version ${version} comes twice, or too late`);
    }
  }
  return found;
}

/** Never more places taken than there are. Unrevoking may go over the cap, registering not. */
function overTheCap({ log, cap }: History): string[] {
  const active = new Set<string>();
  const found: string[] = [];
  for (const { version, operation, deviceIds } of log) {
    for (const deviceId of deviceIds) {
      if (operation === "register" || operation === "unrevoke") active.add(deviceId);
      else active.delete(deviceId);
    }
    if (operation === "register" && active.size > cap) {
      found.push(`${active.size} places were taken of ${cap}, at version ${version}`);
    }
  }
  return found;
}

/** What was answered is in the audit; a change that was answered is in the log. */
function lost({ operations, log, audited }: History): string[] {
  const found: string[] = [];
  const byVersion = new Map(log.map((change) => [change.version, change]));
  for (const operation of operations) {
    const { requestId, made, version, deviceId } = operation;
    if (requestId !== undefined && !audited.has(requestId)) {
      found.push(`${describe(operation)} is not in the audit`);
    }
    if (made !== true || version === undefined || operation.operation === "validate") continue;
    const change = byVersion.get(version);
    if (change?.operation !== operation.operation || !change.deviceIds.includes(deviceId)) {
      found.push(`${describe(operation)} is not in the change log`);
    }
  }
  return found;
}
