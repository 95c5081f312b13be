import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
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
  ORG_DISABLED: "The whole org is stopped, until a person resumes it.",
  CONFLICT:
    "It was changed after a person was asked, so nothing was restored. Look again, and tell the person.",
  BODY_TOO_LARGE: "The ids are too many or too long for one request. Send fewer at once.",
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

/** The protocol's code for a resource that is not there. */
const RESOURCE_NOT_FOUND = -32_002;

export const resourceNotFound = (uri: string): McpError =>
  new McpError(RESOURCE_NOT_FOUND, "Resource not found", { uri });

/** What fails in `work`, as an error of the protocol. @throws McpError */
export async function withProtocolErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof McpError) throw error;
    throw new McpError(ErrorCode.InternalError, describe(error));
  }
}

const INTERNAL_ERROR = "INTERNAL_ERROR";

/** The code of a failure. One that nobody expected has a code, too. */
export function codeOf(error: unknown): string {
  const isKnown =
    error instanceof ToolFailure ||
    RequestError.isInstance(error) ||
    InvalidArgumentError.isInstance(error) ||
    ExecutionStoppedError.isInstance(error);
  return isKnown ? error.code : INTERNAL_ERROR;
}

/** Whether a failure is nobody's but this server's, so that somebody should look into it. */
export const isUnexpected = (error: unknown): error is Error =>
  error instanceof Error && codeOf(error) === INTERNAL_ERROR;

function describe(error: unknown): string {
  const code = codeOf(error);
  if (error instanceof ToolFailure) return `${code}: ${error.message}`;
  if (code === INTERNAL_ERROR) {
    return `${code}: Something failed inside this server. Nothing is known of what was asked for; tell the operator.`;
  }
  if (!ExecutionStoppedError.isInstance(error)) return `${code}: ${meaningOf(code)}`;
  const { requestId } = error;
  const request = requestId === undefined ? "" : ` (request ${requestId})`;
  return `${code}: No decision, so the device must not work. ${meaningOf(code)}${request}`;
}
