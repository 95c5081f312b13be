import type { FailureAnswer } from "../wire/index.ts";

/** An answer that may have another page after it. */
interface Page {
  readonly status: string;
  readonly cursor?: string | null | undefined;
  /** Where it is said, whether there is another; else `cursor` says it. */
  readonly more?: boolean | undefined;
}

/** Pages as they were answered; the last may be a failure. */
export type Pages<Answer> = AsyncGenerator<Answer | FailureAnswer, void, undefined>;

/** Reads page after page, up to the last or the first that is a failure, which is told, too. */
export async function* pagesOf<Answer extends Page>(
  read: (cursor: string | undefined) => Promise<Answer | FailureAnswer>,
  first: string | undefined,
): Pages<Answer> {
  for (let cursor = first; ;) {
    const page: Answer | FailureAnswer = await read(cursor);
    yield page;
    const { cursor: next, more = true } = page as Page;
    // A cursor that leads nowhere would never end.
    if (page.status !== "ok" || !more || typeof next !== "string" || next === cursor) return;
    cursor = next;
  }
}
