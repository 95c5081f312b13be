/** `JSON.rawJSON` and the source of a value, which the types do not know yet. */
interface SourceJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

const sourceJson = JSON as unknown as SourceJson;

/** A number that may read otherwise once it was a number of JavaScript. */
const DELICATE_NUMBER = /[[:,]\s*-?(?:\d{16}|\d+[.eE])/;

/**
 * Parses JSON so that `JSON.stringify` writes every number as it was: `1.0` and
 * integers beyond 2^53 mean something to servers in other languages.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (!DELICATE_NUMBER.test(text)) return JSON.parse(text);
  return sourceJson.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? sourceJson.rawJSON(source)
      : value,
  );
}
