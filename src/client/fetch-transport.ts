import { AnswerBody } from "./transport.ts";
import type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";

/** The part of `fetch` that is used; any implementation of it will do. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Transport over `fetch`, for every runtime. */
export function createFetchTransport(fetch: Fetch): Transport {
  return { send: (request) => sendByFetch(fetch, request) };
}

async function sendByFetch(fetch: Fetch, request: TransportRequest): Promise<TransportAnswer> {
  const { method, origin, path, headers, body, signal, maxBytes } = request;
  const response = await fetch(origin + path, {
    method,
    headers,
    signal,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  const answer = new AnswerBody(maxBytes);
  // An injected fetch may hand over a body that does not know the signal.
  const reader = response.body?.getReader();
  try {
    for (;;) {
      signal.throwIfAborted();
      const part = await reader?.read();
      if (part?.value === undefined) break;
      answer.add(part.value);
    }
  } catch (error) {
    reader?.cancel(error).catch(() => undefined);
    throw error;
  }
  return {
    status: response.status,
    text: answer.text(),
    header: (name) => response.headers.get(name) ?? undefined,
  };
}
