import { eastAsianWidth } from "get-east-asian-width";

const segmenter = new Intl.Segmenter();
/** Asks for the picture of a character that has another form, too. */
const AS_EMOJI = "\uFE0F";
const ZERO = /^\p{M}$/u;

/** What a terminal draws as one, and the columns that it takes. */
function* segmentsOf(text: string): Generator<readonly [string, number]> {
  for (const { segment } of segmenter.segment(text)) {
    const codePoint = segment.codePointAt(0) ?? 0;
    if (ZERO.test(segment)) yield [segment, 0];
    else yield [segment, segment.includes(AS_EMOJI) ? 2 : eastAsianWidth(codePoint)];
  }
}

/** Columns that a text takes in a terminal. It holds no control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const [, columns] of segmentsOf(text)) width += columns;
  return width;
}

/** A text as far as it fits, with … where it is cut off. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let shown = "";
  let left = columns - 1;
  for (const [segment, width] of segmentsOf(text)) {
    left -= width;
    if (left < 0) break;
    shown += segment;
  }
  return `${shown}…`;
}

/** As {@link fitted}, but cut off in the middle: labels of one kind differ at their ends. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const head = fitted(text, Math.ceil(columns / 3));
  let tail = "";
  let left = columns - widthOf(head);
  for (const [segment, width] of [...segmentsOf(text)].toReversed()) {
    left -= width;
    if (left < 0) break;
    tail = segment + tail;
  }
  return head + tail;
}

/** A text, filled up with spaces. */
export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(columns - widthOf(text), 0));
}
