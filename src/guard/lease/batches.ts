import { MAX_DEVICES_PER_MESSAGE } from "../../wire/lease-limits.ts";

/** As many devices as one message may name. */
export function* inBatches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += MAX_DEVICES_PER_MESSAGE) {
    yield all.slice(from, from + MAX_DEVICES_PER_MESSAGE);
  }
}
