import type { OrgStateAnswer, SessionsAnswer, StopAnswer } from "../wire/index.ts";
import type {
  Answered,
  Ask,
  CallOptions,
  ChangeOptions,
  PageOptions,
  RestoreOptions,
  StopOptions,
} from "./call.ts";
import { waitingOf } from "./call.ts";

/** The org as a whole. Self-hosted authorities with the feature `org_stop` have it. */
export class OrgControl {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Whether it is stopped, whether restores need two keys, and how far the change log has come. */
  read(options?: CallOptions): Answered<OrgStateAnswer> {
    return this.#ask("readOrg", undefined, options);
  }

  /** Denies every device of the org from its next check on, and refuses new ones. Idempotent. */
  stop(options: StopOptions = {}): Answered<OrgStateAnswer> {
    const body = { reason: options.reason, ...waitingOf(options) };
    return this.#ask("stopOrg", body, options);
  }

  /** How far a stop of devices or of the org has come, and whom it concerns, a page of them. */
  readStop(version: number, options: PageOptions = {}): Answered<StopAnswer> {
    return this.#ask("readStop", { version, cursor: options.cursor }, options);
  }

  /** Processes with a lease channel, and how many of them each device has, a page of those. */
  readSessions(options: PageOptions = {}): Answered<SessionsAnswer> {
    return this.#ask("readSessions", { cursor: options.cursor }, options);
  }

  /** Ends a stop; `status: "pending"` when a second key has to ask for it, too. */
  resume(options: RestoreOptions = {}): Answered<OrgStateAnswer> {
    const { reason, ifVersion } = options;
    return this.#ask("resumeOrg", { reason, if_version: ifVersion }, options);
  }

  /** Says whether restores need two keys: one asks, and another confirms. */
  setPolicy(
    policy: { readonly twoPersonRestore: boolean },
    options: ChangeOptions = {},
  ): Answered<OrgStateAnswer> {
    return this.#ask("setOrgPolicy", { ...policy, reason: options.reason }, options);
  }
}
