import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeProtectedHeader } from "jose";
import { SIGNATURE_TYPES } from "../../wire/index.ts";
import type { AuthorityLogger } from "../services.ts";
import type { Signer } from "../signing/signer.ts";
import { publicJwk } from "../signing/signing-key.ts";
import { signatureVerifier } from "../signing/verify-signature.ts";
import type { VerifySignature } from "../signing/verify-signature.ts";
import { NO_ORG } from "../store/audit-entry.ts";
import type { AuditChain, AuditRow } from "../store/audit-store.ts";
import type { Store } from "../store/store.ts";
import { ChainVerifier } from "./chain-verifier.ts";
import type { ChainPlace } from "./chain-verifier.ts";
import { chainBase } from "./verify-chain.ts";

/** Entries that are removed at once: little enough that decisions are not held up. */
const ROWS_AT_ONCE = 500;
const SWEEP_EVERY_MS = 3_600_000;
/** Removed entries between two lines of the log. */
const PROGRESS_EVERY = 100_000;

export interface AuditRetentionOptions {
  readonly store: Store;
  readonly signer: Signer;
  readonly logger: AuthorityLogger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long entries are kept, in milliseconds; undefined keeps all. */
  readonly keepMs: number | undefined;
}

/**
 * Removes entries that are old, in slices, from the beginning of each chain. What
 * is removed was verified first, and a checkpoint signed by the authority takes
 * its place, in the same transaction. Where a chain is broken, nothing more of it
 * is removed. The chain of no org, which says which chains there must be, stays.
 */
export class AuditRetention {
  readonly #options: AuditRetentionOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sweeping: Promise<number> | undefined;
  #stopped = false;

  constructor(options: AuditRetentionOptions) {
    this.#options = options;
  }

  /** Sweeps now and every hour. */
  start(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.#timer = setInterval(() => this.sweepSoon(), SWEEP_EVERY_MS).unref();
    this.sweepSoon();
  }

  /** Begins a sweep when the one that is under way has ended. What goes wrong is logged. */
  sweepSoon(): void {
    const underWay = this.#sweeping?.catch(() => undefined) ?? Promise.resolve();
    underWay
      .then(() => (this.#stopped ? 0 : this.sweep()))
      .catch((err: unknown) => {
        this.#options.logger.warn({ err }, "audit retention failed; it tries again in an hour");
      });
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#sweeping?.catch(() => undefined);
  }

  /**
   * Goes over all chains once. Answers with how many entries it removed.
   *
   * @throws StoreUnavailableError
   */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweepAll(): Promise<number> {
    const { store, signer } = this.#options;
    const verify = await signatureVerifier((await signer.keys()).map(publicJwk));
    let removed = 0;
    for (const chain of await store.auditChains()) {
      if (this.#stopped) break;
      if (chain.orgId === NO_ORG) continue;
      removed += await this.#sweepChain(chain, verify);
    }
    return removed;
  }

  async #sweepChain(chain: AuditChain, verify: VerifySignature): Promise<number> {
    const { logger } = this.#options;
    const { orgId, writer } = chain;
    const base = await chainBase(chain, verify);
    if (base === undefined) {
      logger.error({ orgId, chain: writer }, "audit checkpoint is not signed; nothing is removed");
      return 0;
    }
    await this.#renewSignature(chain, base);
    const removed = await this.#cut(chain, base);
    if (removed > 0) logger.info({ orgId, chain: writer, removed }, "old audit entries removed");
    return removed;
  }

  /** A checkpoint is signed anew after a rotation, before the old key is published no more. */
  async #renewSignature(chain: AuditChain, base: ChainPlace): Promise<void> {
    if (chain.checkpoint === null) return;
    const { kid } = decodeProtectedHeader(chain.checkpoint);
    if (kid !== (await this.#options.signer.kid())) await this.#putCheckpoint(chain, base);
  }

  async #cut(chain: AuditChain, base: ChainPlace): Promise<number> {
    const { store, logger, keepMs, now } = this.#options;
    if (keepMs === undefined) return 0;
    const { orgId, writer, id } = chain;
    const before = now() - keepMs;
    const verifier = new ChainVerifier(base);
    let cut = base;
    let logged = 0;
    for (let goesOn = true; goesOn && !this.#stopped; await nextTurn()) {
      const rows = await store.auditRows(id, verifier.place.seq, ROWS_AT_ONCE);
      const last = lastOld(verifier, rows, before);
      goesOn = last.goesOn;
      if (last.place !== undefined && last.place.seq > cut.seq) {
        cut = last.place;
        await this.#putCheckpoint(chain, cut);
      }
      if (verifier.problem !== undefined && !(await this.#isCutElsewhere(chain, cut))) {
        const fields = { orgId, chain: writer, ...verifier.problem };
        logger.error(fields, "audit chain is broken; nothing from there on is removed");
      }
      if (verifier.read - logged >= PROGRESS_EVERY) {
        logged = verifier.read;
        logger.info({ orgId, chain: writer, removed: logged }, "removing old audit entries");
      }
    }
    return cut.seq - base.seq;
  }

  /** Whether another replica has removed entries meanwhile, which are then missing here. */
  async #isCutElsewhere({ id }: AuditChain, { seq }: ChainPlace): Promise<boolean> {
    const chains = await this.#options.store.auditChains();
    return chains.some((chain) => chain.id === id && chain.cut > seq);
  }

  async #putCheckpoint({ id, orgId, writer }: AuditChain, place: ChainPlace): Promise<void> {
    const { store, signer, now } = this.#options;
    const iat = Math.floor(now() / 1000);
    const claims = { org: orgId, chain: writer, ...place, iat };
    const checkpoint = await signer.sign(SIGNATURE_TYPES.checkpoint, claims);
    await store.cutAudit({ chainId: id, seq: place.seq, checkpoint });
  }
}

/**
 * Verifies rows up to the first that is not old. The place it answers with is of
 * an old entry that another was seen to follow: only that proves what it held, so
 * the last entry of a chain always stays.
 */
function lastOld(
  verifier: ChainVerifier,
  rows: readonly AuditRow[],
  before: number,
): { readonly place: ChainPlace | undefined; readonly goesOn: boolean } {
  let place: ChainPlace | undefined;
  for (const { entry: line } of rows) {
    const previous = verifier.place;
    const entry = verifier.add(line);
    if (entry === undefined) return { place, goesOn: false };
    place = previous;
    if (entry.at >= before) return { place, goesOn: false };
  }
  return { place, goesOn: rows.length > 0 };
}

const DAY_MS = 86_400_000;

/** @throws TypeError when it is no number of days that entries could be kept for */
export function retentionMs(days: number | undefined): number | undefined {
  if (days === undefined) return undefined;
  if (Number.isFinite(days) && days > 0) return days * DAY_MS;
  throw new TypeError("auditRetentionDays must be a number of days above 0");
}
