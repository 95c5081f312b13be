import { createFetchTransport } from "./fetch-transport.ts";
import type { Fetch } from "./fetch-transport.ts";
import { AnswerBody, obeyingItsSignal } from "./transport.ts";
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
  const byFetch = createFetchTransport((url, init) => globalThis.fetch(url, init));
  return globalThis.process?.versions?.node === undefined ? byFetch : onNode(byFetch);
}

/** What only Node has is loaded there, with the first request. */
function onNode(byFetch: Transport): Transport {
  let loading: Promise<Transport> | undefined;
  const load = async (): Promise<Transport> => {
    const { createDispatcherTransport } = await import("./dispatcher-transport.ts");
    return createDispatcherTransport((maxBytes) => new AnswerBody(maxBytes)) ?? byFetch;
  };
  return {
    send: async (request) => (await (loading ??= load())).send(request),
  };
}
