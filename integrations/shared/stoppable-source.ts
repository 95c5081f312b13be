import type { Boundary, CheckOptions, Run } from "../../src/index.ts";
import { isObject } from "./gated-view.ts";
import { protectWhile } from "./protect-while.ts";
import type { Begun } from "./protect-while.ts";
import { untilStopped } from "./until-stopped.ts";

/** Parts of work that is read piece by piece. */
export type Source<T, R = unknown> = Pick<AsyncIterator<T, R>, "next" | "return">;

/**
 * A source as it is read under a run. Once the run is stopped every reading
 * fails with the refusal, at once, and the source is closed, whether or not
 * anybody reads.
 */
export class StoppableSource<T, R = unknown> implements AsyncIterableIterator<
  T,
  R | undefined,
  undefined
> {
  readonly #run: Run;
  readonly #source: Source<T, R>;
  readonly #over = Promise.withResolvers<void>();
  /** The part that is being waited for. */
  #reading: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;
  #first: Promise<IteratorResult<T, R | undefined>> | undefined;

  /**
   * Takes the first step of an iteration: calling a generator enters nothing, and
   * what begins is to begin right after its allow.
   */
  static begin<T, R>(run: Run, parts: AsyncIterable<T, R>): StoppableSource<T, R> {
    const source = new StoppableSource(run, parts[Symbol.asyncIterator]());
    source.#first = source.#read();
    source.#first.catch(() => undefined);
    return source;
  }

  constructor(run: Run, source: Source<T, R>) {
    this.#run = run;
    this.#source = source;
    run.signal.addEventListener("abort", this);
    // What was asked for may arrive after the stop.
    this.handleEvent();
  }

  /** Settles when the first part is there, if the source was begun. */
  get begun(): Promise<unknown> {
    return Promise.resolve(this.#first);
  }

  /** Resolves when the source has ended, or has been closed. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  next(): Promise<IteratorResult<T, R | undefined>> {
    const next = this.#first ?? this.#read();
    this.#first = undefined;
    return next;
  }

  async #read(): Promise<IteratorResult<T, R | undefined>> {
    if (this.#run.stopped !== undefined) throw this.#run.stopped;
    if (this.#closing !== undefined) return { done: true, value: undefined };
    try {
      const reading = this.#source.next();
      this.#reading = reading;
      const next = await untilStopped(this.#run, reading);
      if (next.done === true) this.#end();
      return next;
    } catch (error) {
      // What was stopped is over when it has been closed.
      if (this.#run.stopped === undefined) this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const closed = this.#close();
    // A source that ignores its signal would keep a stopped run from ending.
    if (this.#run.stopped === undefined) await closed;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The signal of the run has aborted. An abort of the caller's is the reader's to notice. */
  handleEvent(): void {
    if (this.#run.stopped !== undefined) void this.#close();
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeSource().finally(() => this.#end());
    return this.#closing;
  }

  async #closeSource(): Promise<void> {
    const close = async (): Promise<unknown> => this.#source.return?.();
    await Promise.allSettled([this.#reading, close()]);
  }

  #end(): void {
    this.#run.signal.removeEventListener("abort", this);
    this.#over.resolve();
  }
}

/** Asks, and begins an iteration. The body lasts as long as that. */
export async function* protectIteration<T>(
  run: Run,
  boundary: Boundary,
  begin: (signal: AbortSignal) => AsyncIterable<T>,
  options?: CheckOptions,
): AsyncGenerator<T, void, undefined> {
  yield* await protectWhile(run, boundary, (signal) => iteration(run, begin(signal)), options);
}

/** An iteration, its first step taken, as work that lasts until it is over. */
export function iteration<T, R>(
  run: Run,
  parts: AsyncIterable<T, R>,
): Begun<StoppableSource<T, R>> {
  const value = StoppableSource.begin(run, parts);
  return { value, over: value.over };
}

/** The parts of a web stream. */
export function sourceOf<T>(stream: ReadableStream<T>): Source<T> {
  let reader: ReadableStreamDefaultReader<T> | undefined;
  const read = (): ReadableStreamDefaultReader<T> => (reader ??= stream.getReader());
  return {
    next: async () => {
      const { done, value } = await read().read();
      return done ? { done, value: undefined } : { done, value };
    },
    return: async () => {
      await read().cancel();
      return { done: true, value: undefined };
    },
  };
}

/** A web stream of the parts of a source, which are read only when it is. */
export function streamOf<T>(source: Source<T>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** What a model answered: with a stream in it, it goes on until that has ended. */
export function stoppable<T>(run: Run, result: T): Begun<T> {
  const stream: unknown = isObject(result) ? Reflect.get(result, "stream") : undefined;
  if (!isReadableStream(stream)) return { value: result, over: Promise.resolve() };
  const source = new StoppableSource(run, sourceOf(stream));
  return { value: { ...result, stream: streamOf(source) }, over: source.over };
}

export function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return isObject(value) && typeof Reflect.get(value, "getReader") === "function";
}
