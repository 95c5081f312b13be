import { batchRequestSchema, MAX_PAGE_SIZE } from "../../wire/index.ts";
import { parseBody } from "../http/parse.ts";
import type {
  DeviceSelection,
  RevocationChanged,
  RevocationOptions,
} from "../store/device-store.ts";
import { restoreOptions } from "./restoring.ts";
import type { Waiting } from "./waiting.ts";

/** What a batch is asked to change, and how. */
export interface Batch {
  readonly selection: DeviceSelection;
  readonly options: RevocationOptions;
  /** Of revoke_batch. */
  readonly waiting: Waiting;
}

/** @throws Failure REQUEST_MALFORMED or DEVICE_ID_INVALID */
export function parseBatch(body: unknown): Batch {
  const parsed = parseBody(batchRequestSchema, body);
  const { deviceIds, devicePattern, dry_run: dryRun = false } = parsed;
  const selection = devicePattern === undefined ? (deviceIds ?? []) : { devicePattern };
  return { selection, options: { ...restoreOptions(parsed), dryRun }, waiting: parsed };
}

/**
 * What became of a batch: of each id that was asked for; of a pattern the first
 * ones, and how many there are, so that the answer stays readable.
 */
export function answerBatch({ selection, options }: Batch, outcome: RevocationChanged): object {
  const { results, version } = outcome;
  const isPattern = "devicePattern" in selection;
  const named = isPattern ? results.slice(0, MAX_PAGE_SIZE) : results;
  const counts = {
    matched: results.length,
    changed: results.filter(({ changed }) => changed).length,
  };
  return {
    results: named.map(({ deviceId, found, changed, pending }) => ({
      deviceId,
      status: pending ? "pending" : found ? "ok" : "not_found",
      changed,
    })),
    version,
    ...(isPattern ? counts : {}),
    ...(options.dryRun === true ? { dry_run: true } : {}),
  };
}
