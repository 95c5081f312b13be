import type { KeyChangeAnswer, KeyRole, ListKeysAnswer, NewKeyAnswer } from "../wire/index.ts";
import type { Answered, Ask, CallOptions, ChangeOptions } from "./call.ts";

/** What a new key is for. */
export interface NewKey {
  readonly role: KeyRole;
  /** What people call it; at most 100 characters. */
  readonly name?: string | undefined;
  /**
   * Devices that an agent's key is for: one id, or the beginning of ids and `*`,
   * for example `worker:prod:*`. Agents need one; `*` is every device.
   */
  readonly devicePattern?: string | undefined;
  /** Of agents: under whom their devices are registered. Of operators: whose devices they may restore, too. */
  readonly deviceOwner?: string | undefined;
  /** @default never */
  readonly expiresAt?: Date | undefined;
}

/** How a key is rotated. */
export interface RotateKeyOptions extends ChangeOptions {
  /** For how long the old key works on, in milliseconds; at most 30 days. @default 3_600_000, an hour */
  readonly overlapMs?: number | undefined;
  /** When the new key expires. @default it lives as long as the old one was made to */
  readonly expiresAt?: Date | undefined;
}

/** The org's keys, with an owner key. Self-hosted authorities with the feature `scoped_keys` have them. */
export class OrgKeys {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Makes a key. `secret` in the answer is the key itself; nobody is shown it again. */
  create(key: NewKey, options: ChangeOptions = {}): Answered<NewKeyAnswer> {
    const { expiresAt, ...terms } = key;
    const body = { ...terms, expiresAt: expiresAt?.toISOString(), reason: options.reason };
    return this.#ask("createKey", body, options);
  }

  /** Keys by what they begin and end with: all that can be used, and some that cannot any more. */
  list(options?: CallOptions): Answered<ListKeysAnswer> {
    return this.#ask("listKeys", undefined, options);
  }

  /** Ends a key for good, at once. */
  revoke(keyId: string, options: ChangeOptions = {}): Answered<KeyChangeAnswer> {
    return this.#ask("revokeKey", { keyId, reason: options.reason }, options);
  }

  /** Makes a key like another, which ends after the overlap. */
  rotate(keyId: string, options: RotateKeyOptions = {}): Answered<NewKeyAnswer> {
    const { overlapMs, expiresAt, reason } = options;
    const body = { keyId, overlap_ms: overlapMs, expiresAt: expiresAt?.toISOString(), reason };
    return this.#ask("rotateKey", body, options);
  }
}
