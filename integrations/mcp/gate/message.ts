/** What a request and its answer share. */
export type RequestId = string | number;

type Members = Readonly<Record<string, unknown>>;

/**
 * A JSON-RPC message of either side, as far as a gate looks at it: with `method`
 * a request or, without `id`, a notification; otherwise an answer.
 */
export interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: RequestId | undefined;
  readonly method?: string | undefined;
  readonly params?: Members | undefined;
  readonly result?: Members | undefined;
  readonly error?: unknown;
}

/** A message with a method. */
export type Call = Message & { readonly method: string };

export const isCall = (message: Message): message is Call => message.method !== undefined;

/** Codes of JSON-RPC, and the one of a refusal, from its range for servers. */
export const ERROR_CODES = {
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
  refused: -32050,
} as const;

/** An answer that is an error. */
export function errorAnswer(id: RequestId, code: number, message: string, data?: unknown): Message {
  const error = data === undefined ? { code, message } : { code, message, data };
  return { jsonrpc: "2.0", id, error };
}

/** The answer to what has no id that can be read: the one message whose id is null. */
export function unreadableAnswer(): Message {
  const error = { code: ERROR_CODES.invalidRequest, message: "Invalid request" };
  return { jsonrpc: "2.0", id: null, error } as unknown as Message;
}

export function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member of a value that may be no object. */
export function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** A text member of a value that may be no object. */
export function textMember(value: unknown, name: string): string | undefined {
  const text = member(value, name);
  return typeof text === "string" ? text : undefined;
}

/** A member that may stand for a request. */
export function idMember(value: unknown, name: string): RequestId | undefined {
  const id = member(value, name);
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}
