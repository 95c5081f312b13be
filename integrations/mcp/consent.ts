import { ToolFailure } from "./failure.ts";
import type { ToolCall, ToolContext } from "./tool.ts";

/** How long a person may take to answer, in milliseconds. */
const CONSENT_TIMEOUT_MS = 5 * 60 * 1000;

/**
 * Asks the person at the client for consent. An assistant that could restore
 * devices by itself could restore itself, so nothing but a person's yes will do,
 * and a client that cannot ask gets a refusal.
 *
 * @throws {@link ToolFailure} `CONSENT_UNAVAILABLE`, `CONSENT_DECLINED`
 */
export async function askForConsent(
  { server, allowRestores }: ToolContext,
  what: string,
  { signal, requestId }: ToolCall,
): Promise<void> {
  if (allowRestores) return;
  if (server.server.getClientCapabilities()?.elicitation === undefined) throw unavailable();
  let answer;
  try {
    answer = await server.server.elicitInput(
      {
        message: `An assistant wants to ${what}.`,
        requestedSchema: {
          type: "object",
          properties: {
            consent: { type: "boolean", title: "Yes, let it do that", default: false },
          },
          required: ["consent"],
        },
      },
      // Over HTTP the question travels on the stream of the call that it belongs to.
      { signal, timeout: CONSENT_TIMEOUT_MS, relatedRequestId: requestId },
    );
  } catch {
    throw unavailable();
  }
  if (answer.action === "accept" && answer.content?.["consent"] === true) return;
  throw new ToolFailure(
    "CONSENT_DECLINED",
    "A person was asked and did not consent. Nothing was changed.",
  );
}

const unavailable = (): ToolFailure =>
  new ToolFailure(
    "CONSENT_UNAVAILABLE",
    "This needs a person's consent, and the client could not ask for it. Nothing was changed. A person can do it with the machineid command line.",
  );
