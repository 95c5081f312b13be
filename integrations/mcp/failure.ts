import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { ExecutionStoppedError, InvalidArgumentError, RequestError } from "../../src/index.ts";

/** A tool call that did not do what it was asked for. The words are for an assistant. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * What the codes mean for an assistant. The authority's own words are not
 * repeated: a conversation is no place for text from a server.
 */
const MEANINGS: Readonly<Partial<Record<string, string>>> = {
  DEVICE_NOT_FOUND: "The org has no device of this id. list_devices shows those there are.",
  DEVICE_ID_INVALID: "A device id has 1 to 256 characters, none of them a control character.",
  DEVICE_REVOKED: "The device is revoked, and registering does not restore it.",
  DEVICE_LIMIT_REACHED:
    "The plan has no free place. get_usage shows the plan; revoking or removing a device frees a place.",
  PLAN_FROZEN: "The org's plan is frozen, so nothing may work. Only the operator can change that.",
  PLAN_NOT_ACTIVE: "The org's plan is not active. Only the operator can change that.",
  ORG_DISABLED: "The whole org is stopped. Only the operator can change that.",
  ORG_KEY_INVALID: "The authority does not know this server's key. The operator has to correct it.",
  ORG_KEY_REJECTED: "The authority refused this server's key. The operator has to correct it.",
  FORBIDDEN: "This server's key may not do that. The operator decides what it may.",
  TOO_MANY_REQUESTS: "Too many requests. Wait a while before the next one.",
  STORE_UNAVAILABLE: "The authority cannot reach its store, and allows nothing meanwhile.",
  AUTHORITY_UNREACHABLE: "The authority could not be reached. The operator should look at it.",
  AUTHORITY_TIMEOUT:
    "The authority did not answer in time. Whether a change was made is not known; asking for it again is harmless.",
  AUTHORITY_MALFORMED:
    "What answered is no MachineID authority. The operator should check its address.",
};

export const meaningOf = (code: string): string =>
  MEANINGS[code] ?? "The authority did not do it. The operator can look the code up.";

/** The result of a tool call that failed: the code, what it means, and the request id. */
export function failureResult(error: unknown): CallToolResult {
  return { isError: true, content: [{ type: "text", text: describe(error) }] };
}

function describe(error: unknown): string {
  if (error instanceof ToolFailure) return `${error.code}: ${error.message}`;
  if (RequestError.isInstance(error) || InvalidArgumentError.isInstance(error)) {
    return `${error.code}: ${meaningOf(error.code)}`;
  }
  if (ExecutionStoppedError.isInstance(error)) {
    const { code, requestId } = error;
    const request = requestId === undefined ? "" : ` (request ${requestId})`;
    return `${code}: No decision, so the device must not work. ${meaningOf(code)}${request}`;
  }
  return "INTERNAL_ERROR: The tool failed. The operator should look at this server's log.";
}
