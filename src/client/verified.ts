import { readDecision, ORG_ROUTES } from "../wire/index.ts";
import type { AuthorityKey } from "./authority-key.ts";
import { InvalidArgumentError, RequestError } from "./errors.ts";
import type { Answer } from "./exchange.ts";

type Body = Readonly<Record<string, unknown>>;

export interface VerifiedRequest {
  readonly orgKey: string;
  readonly authorityKey: AuthorityKey;
  readonly body: Body;
  readonly send: (body: Body) => Promise<Answer>;
}

/**
 * Asks for a decision, and returns it once its receipt is verified.
 *
 * @throws {@link RequestError} `RECEIPT_INVALID`
 * @throws {@link InvalidArgumentError} `OPTION_INVALID`, before any request, when there is no key to verify with
 */
export async function requestVerified(request: VerifiedRequest): Promise<Answer> {
  const { requestWithReceipt } = await import("./receipt.ts");
  const { answer, problem } = await requestWithReceipt({
    ...request,
    decidesNothing: (given) => decidesNothing(given, request.body["deviceId"]),
    invalidKey: (message) => new InvalidArgumentError("OPTION_INVALID", message),
  });
  if (problem === undefined) return answer;
  const { status, requestId } = answer;
  throw new RequestError("RECEIPT_INVALID", `the receipt is not to be trusted: ${problem}`, {
    ...ORG_ROUTES.validate,
    status,
    requestId,
  });
}

/** Whoever looks at `allowed` alone must not be misled by an answer that is no decision. */
function decidesNothing({ status, body }: Answer, deviceId: unknown): boolean {
  const { allowed }: Partial<Record<string, unknown>> = Object(body);
  const isQuiet = allowed === undefined || allowed === false;
  return isQuiet && readDecision(status, body, String(deviceId)).outcome === "unavailable";
}
