import type { DecisionCode } from "../../wire/index.ts";
import type { Caller, Refused, UnknownKey } from "./caller.ts";

/** For how long allows are good, and a stop waits. In milliseconds. */
export interface LeaseTerms {
  /** A lease is good for so long, from the sending of its request. */
  readonly ttlMs: number;
  /** No allow that is in use was given for longer. */
  readonly waitMs: number;
  /** Version of the change that made them so; 0 when there was none. */
  readonly version: number;
}

/** What a store begins with. */
export const DEFAULT_TERMS: LeaseTerms = { ttlMs: 10_000, waitMs: 10_000, version: 0 };

/** Terms that the operator wants. */
export interface WantedTerms {
  readonly ttlMs: number;
  /** Longest strict allow of the process that asks. */
  readonly validMs: number;
}

/** The key may hold leases. */
export interface LeaseAdmitted {
  readonly kind: "lease_admitted";
  readonly orgId: string;
}

/** The decision on one device of several. `FORBIDDEN`: the key is for other devices. */
export interface DeviceDecided {
  readonly deviceId: string;
  readonly code: DecisionCode | "FORBIDDEN";
}

/** Decisions from one read. */
export interface DevicesDecided {
  readonly kind: "devices_decided";
  readonly orgId: string;
  readonly decided: readonly DeviceDecided[];
  /** Version of the change log that was read. */
  readonly version: number;
  readonly terms: LeaseTerms;
  /** When key or plan end, milliseconds since the epoch; null when neither does. */
  readonly endsAt: number | null;
}

/** Another process that may have given allows which are in use. */
export interface ReplicaRow {
  readonly id: string;
  /** `out`: it gives none any more, and its row is about to be removed. */
  readonly state: "in" | "out";
  /**
   * A count that goes up while it lives; or what is known of it without: it can
   * give none any more (`over`), or it may (`certain`).
   */
  readonly life: number | "certain" | "over";
}

/** Who else there is, and where the store is. */
export interface ReplicaStanding {
  readonly others: readonly ReplicaRow[];
  /** A server's timeline on which nobody knows yet what was given before. */
  readonly unsettled: string | undefined;
}

/** What a process says of a stop: that no older allow of its own is in use, and what else it knows. */
export interface StopReport {
  readonly version: number;
  /** Its own holders. */
  readonly holders: number;
  /** Those of them that have said that nothing of it runs any more. */
  readonly drained: number;
  /** All of them have, and there are no others. */
  readonly isDrained: boolean;
}

/** What all other processes say of a stop. */
export interface StopReported extends Omit<StopReport, "isDrained"> {
  /** None of them has an older allow in use. */
  readonly areFenced: boolean;
  /** Nothing runs on an older allow of theirs, of those that are gone neither. */
  readonly areDrained: boolean;
}

/** What leases need of a store, besides the change log. */
export interface LeaseStore {
  /** Says whether a key may hold leases at all; for which devices, decisions say. */
  admitLeases(caller: Caller): Promise<LeaseAdmitted | Refused>;
  /**
   * Reads key, org, devices, version and terms as one, and decides on each device.
   * A read serves only what was asked before it began.
   *
   * @param audits whether a decision goes into the audit
   */
  decideAll(
    caller: Caller,
    deviceIds: readonly string[],
    audits: (decided: DeviceDecided) => boolean,
  ): Promise<DevicesDecided | UnknownKey>;
  /**
   * Sets for how long leases are good. What stops wait for is raised with it at
   * once, and is not lowered: {@link LeaseStore.lowerWait} does that.
   */
  setTerms(caller: Pick<Caller, "requestId" | "at">, wanted: WantedTerms): Promise<LeaseTerms>;
  /** Lets stops wait no longer than terms need, if they are still those of `version`. */
  lowerWait(
    caller: Pick<Caller, "requestId" | "at">,
    version: number,
    waitMs: number,
  ): Promise<LeaseTerms>;
  /** Who may have given allows. Without it stops are answered by time alone. */
  readonly membership?: LeaseMembership;
}

/** What one process asks the others that only they know. */
export interface ReplicaQuestion {
  /** At most 7,000 bytes, which is what one announcement holds. */
  readonly subject: string;
  /** Only those are asked that entered before this version. */
  readonly before: number;
}

/** What the others answered, each in a text. */
export interface ReplicaAnswers {
  readonly answers: readonly string[];
  /** Whether all of them did. */
  readonly isComplete: boolean;
}

/**
 * The processes that may have given allows which are in use. A decision is made
 * only while the row of the process that entered itself is `in`, which is read
 * together with it.
 */
export interface LeaseMembership {
  /** No other process can be at work on the store. */
  readonly isExclusive: boolean;
  /** Says that this process gives allows from now on. */
  enter(): Promise<void>;
  /**
   * Says that this process gives none any more.
   *
   * @param isClear whether nothing that it gave is in use
   */
  leave(isClear: boolean): Promise<void>;
  /** Says that this process lives, and looks who else there is. */
  live(): Promise<ReplicaStanding>;
  /** Says that another process gives no more. What it gave may be in use. */
  markOut(id: string): Promise<void>;
  /** Nothing is in use any more that a process gave which is out. */
  remove(id: string): Promise<void>;
  /** Nothing is in use any more that was given on another timeline. */
  settle(timeline: string): Promise<void>;
  /** Says how far this process is with stops. What it says stays true for ever. */
  report(reports: readonly StopReport[]): Promise<void>;
  /** What the others say of stops, from a read that begins after the call. */
  reported(versions: readonly number[]): Promise<readonly StopReported[]>;
  /** Calls a listener when another process has reported something. @returns what ends it */
  onReport(listener: () => void): () => void;
  /** Asks the others, and waits a second for them at most. */
  ask(question: ReplicaQuestion): Promise<ReplicaAnswers>;
  /** Answers the others. @returns what ends it */
  onQuestion(answer: (subject: string) => Promise<string>): () => void;
}
