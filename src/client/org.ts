import type { FailureAnswer, OrgStateAnswer, StopAnswer } from "../wire/index.ts";
import type {
  Ask,
  CallOptions,
  ChangeOptions,
  RestoreOptions,
  StopOptions,
  ReadStopOptions,
} from "./call.ts";
import { waitingOf } from "./call.ts";

/** The org as a whole. Self-hosted authorities with the feature `org_stop` have it. */
export class OrgControl {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Whether it is stopped, whether restores need two keys, and how far the change log has come. */
  read(options?: CallOptions): Promise<OrgStateAnswer | FailureAnswer> {
    return this.#ask("readOrg", undefined, options);
  }

  /** Denies every device of the org from its next check on, and refuses new ones. Idempotent. */
  stop(options: StopOptions = {}): Promise<OrgStateAnswer | FailureAnswer> {
    const body = { reason: options.reason, ...waitingOf(options) };
    return this.#ask("stopOrg", body, options);
  }

  /** How far a stop of devices or of the org has come, and whom it concerns, a page of them. */
  readStop(version: number, options: ReadStopOptions = {}): Promise<StopAnswer | FailureAnswer> {
    return this.#ask("readStop", { version, cursor: options.cursor }, options);
  }

  /** Ends a stop; `status: "pending"` when a second key has to ask for it, too. */
  resume(options: RestoreOptions = {}): Promise<OrgStateAnswer | FailureAnswer> {
    const { reason, ifVersion } = options;
    return this.#ask("resumeOrg", { reason, if_version: ifVersion }, options);
  }

  /** Says whether restores need two keys: one asks, and another confirms. */
  setPolicy(
    policy: { readonly twoPersonRestore: boolean },
    options: ChangeOptions = {},
  ): Promise<OrgStateAnswer | FailureAnswer> {
    return this.#ask("setOrgPolicy", { ...policy, reason: options.reason }, options);
  }
}
