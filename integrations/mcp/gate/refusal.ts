import { denialPayload, ExecutionStoppedError } from "../../../src/index.ts";
import { refusalText } from "../../shared/tool-refused-error.ts";
import { ERROR_CODES, errorAnswer, member } from "./message.ts";
import type { Call, Message, RequestId } from "./message.ts";

/** The code of a refusal that is not the authority's. */
const STOPPED = "RUN_STOPPED";
/** The code of a refusal by the gate's own lists. */
const DENIED = "DENIED";

/** Requests of this protocol revision and later ones carry it; their results say what they are. */
const MODERN_META = "io.modelcontextprotocol/protocolVersion";

/** Whether a call belongs to the protocol revision without sessions, which names its version in each. */
export const isModern = ({ params }: Pick<Call, "params">): boolean =>
  typeof member(member(params, "_meta"), MODERN_META) === "string";

/** What each request of that revision carries. */
export function envelopeOf(message: Call): object {
  if (!isModern(message)) return {};
  const { progressToken: _progressToken, ...meta } = Object(member(message.params, "_meta"));
  return { _meta: meta };
}

/**
 * The answer to a request that was refused. Nothing of the authority's but the
 * code is in it.
 */
export function refusalOf(request: Call, id: RequestId, error: unknown): Message {
  const code = ExecutionStoppedError.isInstance(error) ? error.code : STOPPED;
  return answerWith(request, id, { code });
}

/** The answer to a call of a tool that may not be called through this gate. */
export const unlistedRefusal = (request: Call, id: RequestId): Message =>
  answerWith(request, id, { code: DENIED });

function answerWith(
  request: Call,
  id: RequestId,
  reason: Pick<ExecutionStoppedError, "code">,
): Message {
  // A task was asked for: a result without one would be taken for a broken answer.
  const isTask = member(request.params, "task") !== undefined;
  if (request.method !== "tools/call" || isTask) {
    return errorAnswer(id, ERROR_CODES.refused, "Execution denied", denialPayload(reason));
  }
  const result = { isError: true, content: [{ type: "text", text: refusalText(reason) }] };
  return {
    jsonrpc: "2.0",
    id,
    result: isModern(request) ? { ...result, resultType: "complete" } : result,
  };
}
