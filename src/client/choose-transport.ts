import { createDispatcherTransport } from "./dispatcher-transport.ts";
import { createFetchTransport } from "./fetch-transport.ts";
import type { Fetch } from "./fetch-transport.ts";
import { obeyingItsSignal } from "./transport.ts";
import type { Transport } from "./transport.ts";

/** The transport that was given, else the fastest that the runtime has. */
export function chooseTransport({
  transport,
  fetch,
}: {
  readonly transport?: Transport | undefined;
  readonly fetch?: Fetch | undefined;
}): Transport {
  if (transport !== undefined) return obeyingItsSignal(transport);
  if (fetch !== undefined) return obeyingItsSignal(createFetchTransport(fetch));
  return (
    createDispatcherTransport() ?? createFetchTransport((url, init) => globalThis.fetch(url, init))
  );
}
