/** What was thrown or rejected with at each place where a caller may look; undefined where nothing was. */
export type Surfaces = Readonly<Record<string, unknown>>;

/** Error of a promise, or undefined when it is fulfilled. */
export async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error ?? new Error("rejected with nothing");
  }
}

/** Error with which a stream or an iteration ends, or undefined when it ends well. */
export function endOf(stream: () => unknown): Promise<unknown> {
  return errorOf(async () => {
    for await (const _ of stream() as AsyncIterable<unknown>);
  });
}

const TEXT_STREAMS = ["fullStream", "textStream", "stream"];
const TEXT_PROMISES = [
  "text",
  "steps",
  "usage",
  "totalUsage",
  "finishReason",
  "response",
  "output",
];
const OBJECT_PROMISES = ["object", "usage", "response", "finishReason"];

/** Every place of a streamText result, read at the same time. */
export function streamTextSurfaces(result: unknown): Promise<Surfaces> {
  return surfacesOf(result as Record<string, unknown>, TEXT_STREAMS, TEXT_PROMISES, [
    "consumeStream",
  ]);
}

/** Every promise of a streamObject result, and one of its streams, since only one can be read. */
export function streamObjectSurfaces(result: unknown, stream: string): Promise<Surfaces> {
  return surfacesOf(result as Record<string, unknown>, [stream], OBJECT_PROMISES, []);
}

async function surfacesOf(
  result: Record<string, unknown>,
  streams: readonly string[],
  promises: readonly string[],
  calls: readonly string[],
): Promise<Surfaces> {
  const surfaces: Record<string, Promise<unknown>> = {};
  for (const name of streams) {
    if (name in result) surfaces[name] = endOf(() => result[name]);
  }
  for (const name of promises) {
    if (result[name] instanceof Promise) surfaces[name] = errorOf(() => result[name]);
  }
  for (const name of calls) {
    const call = result[name] as () => unknown;
    surfaces[name] = errorOf(() => Reflect.apply(call, result, []));
  }
  const ended: Record<string, unknown> = {};
  for (const [name, error] of Object.entries(surfaces)) ended[name] = await error;
  return ended;
}
