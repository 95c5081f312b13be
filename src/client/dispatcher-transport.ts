import type { AnswerBody, Transport, TransportAnswer, TransportRequest } from "./transport.ts";

/**
 * Transport over the dispatcher that Node's own `fetch` runs on. It skips the
 * streams and objects that fetch builds around every call, which is most of
 * what a small request costs. A dispatcher that a user has set globally, such
 * as one for a proxy, is honoured as fetch would honour it.
 *
 * Whatever stands under that name takes handlers of the first form (`onConnect`,
 * `onHeaders`, …): the fetch of Node up to 24 hands it such, and undici 8 puts a
 * wrapper for them there. The later form costs a conversion on the way.
 */
interface Dispatcher {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean;
}

interface DispatchOptions {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

type RawHeaders = readonly (Uint8Array | string)[];

interface DispatchHandler {
  onConnect(abort: (reason: Error) => void): void;
  onHeaders(status: number, headers: RawHeaders): boolean;
  onData(chunk: Uint8Array): boolean;
  onComplete(): void;
  onError(error: Error): void;
}

const DISPATCHER = Symbol.for("undici.globalDispatcher.1");

function globalDispatcher(): Dispatcher | undefined {
  const value: unknown = Reflect.get(globalThis, DISPATCHER);
  const isDispatcher =
    typeof value === "object" &&
    value !== null &&
    "dispatch" in value &&
    typeof value.dispatch === "function";
  return isDispatcher ? (value as Dispatcher) : undefined;
}

/** Makes what collects an answer. It is given, since it is loaded already. */
type BodyOf = (maxBytes: number) => AnswerBody;

/** The transport, or undefined where the runtime has no such dispatcher. */
export function createDispatcherTransport(bodyOf: BodyOf): Transport | undefined {
  // Node loads its fetch, and the dispatcher with it, at the first touch.
  void globalThis.Response;
  if (globalDispatcher() === undefined) return undefined;
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const dispatcher = globalDispatcher();
        if (dispatcher === undefined) {
          reject(new Error("the global dispatcher was removed"));
          return;
        }
        exchange(dispatcher, bodyOf, request, resolve, reject);
      }),
  };
}

function exchange(
  dispatcher: Dispatcher,
  bodyOf: BodyOf,
  request: TransportRequest,
  resolve: (answer: TransportAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const { method, origin, path, headers, body, signal, maxBytes } = request;
  const answer = bodyOf(maxBytes);
  let status = 0;
  let header: TransportAnswer["header"] = () => undefined;
  let abortExchange: ((reason: Error) => void) | undefined;

  const fail = (error: unknown): void => {
    signal.removeEventListener("abort", onAbort);
    reject(error);
  };
  const cancel = (reason: unknown): void => {
    fail(reason);
    abortExchange?.(reason instanceof Error ? reason : new Error("aborted", { cause: reason }));
  };
  const onAbort = (): void => cancel(signal.reason);
  const start = (abort: (reason: Error) => void): void => {
    abortExchange = abort;
    if (signal.aborted) cancel(signal.reason);
  };
  const receive = (chunk: Uint8Array): void => {
    try {
      answer.add(chunk);
    } catch (error) {
      cancel(error);
    }
  };
  const finish = (): void => {
    signal.removeEventListener("abort", onAbort);
    resolve({ status, text: answer.text(), header });
  };

  const handler: DispatchHandler = {
    onConnect: start,
    onHeaders: (code, raw) => {
      status = code;
      header = (name) => rawHeader(raw, name);
      return true;
    },
    onData: (chunk) => {
      receive(chunk);
      return true;
    },
    onComplete: finish,
    onError: fail,
  };

  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
    return;
  }
  try {
    dispatcher.dispatch({ origin, path, method, headers, body: body ?? null }, handler);
  } catch (error) {
    fail(error);
  }
}

const LATIN1 = new TextDecoder("latin1");

function rawHeader(headers: RawHeaders, name: string): string | undefined {
  const text = (part: Uint8Array | string | undefined): string =>
    typeof part === "string" ? part : LATIN1.decode(part);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const named = headers[index];
    // Most are told apart by their length, for nothing.
    if (named?.length !== name.length || text(named).toLowerCase() !== name) continue;
    return text(headers[index + 1]);
  }
  return undefined;
}
