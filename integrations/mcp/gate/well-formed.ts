import { isRecord } from "./message.ts";
import type { Message, RequestId } from "./message.ts";

const isId = (id: unknown): id is RequestId => typeof id === "string" || typeof id === "number";

/**
 * A message as every reader understands it, made of the members that the
 * protocol knows; undefined for anything else. Servers read JSON in many ways:
 * a member that one passes over (of another case, a second one of a name, both
 * a method and a result) may be what another one acts upon.
 */
export function wellFormed(given: unknown): Message | undefined {
  if (!isRecord(given) || given["jsonrpc"] !== "2.0") return undefined;
  const { id, method, params, result, error } = given;
  const isAnswer = "result" in given || "error" in given;
  if (method !== undefined) {
    if (typeof method !== "string" || isAnswer) return undefined;
    if ("id" in given && !isId(id)) return undefined;
    if (params !== undefined && !isRecord(params)) return undefined;
    const request = isId(id)
      ? { jsonrpc: "2.0" as const, id, method }
      : { jsonrpc: "2.0" as const, method };
    return params === undefined ? request : { ...request, params };
  }
  // An error that has no id answers something that could not be read.
  if ("error" in given && !("result" in given) && isRecord(error)) {
    return isId(id) ? { jsonrpc: "2.0", id, error } : undefined;
  }
  if (!isId(id) || !isRecord(result) || "error" in given) return undefined;
  return { jsonrpc: "2.0", id, result };
}
