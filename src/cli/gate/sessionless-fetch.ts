import { isModern } from "../../../integrations/mcp/gate/refusal.ts";
import { idMember, isRecord, member, textMember } from "../../../integrations/mcp/gate/message.ts";
import type { Call, RequestId } from "../../../integrations/mcp/gate/message.ts";

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What the header `Mcp-Name` repeats, by method. */
const NAMED_BY: Readonly<Partial<Record<string, string>>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};
const PLAIN_HEADER = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * A `fetch` for SDK 1.x that also carries requests of the protocol revision
 * without sessions (2026-07-28): they repeat some members as headers, are
 * cancelled by the end of their connection, and may be answered with an error
 * under a status of 4xx. Everything else goes by as it is.
 */
export function createSessionlessFetch(): Fetch {
  const open = new Map<RequestId, AbortController>();
  return async (url, init) => {
    const call = callIn(init);
    if (call === undefined) return fetch(url, init);
    if (call.method === "notifications/cancelled") {
      const controller = open.get(idMember(call.params, "requestId") ?? Number.NaN);
      if (controller === undefined) return fetch(url, init);
      controller.abort();
      return new Response(null, { status: 202 });
    }
    const { id } = call;
    if (id === undefined || !isModern(call)) return fetch(url, init);
    const controller = new AbortController();
    open.set(id, controller);
    const over = (): void => void open.delete(id);
    try {
      const signal = AbortSignal.any([controller.signal, ...(init?.signal ? [init.signal] : [])]);
      const headers = headersOf(call, init?.headers);
      return await answerOf(await fetch(url, { ...init, headers, signal }), over);
    } catch (error) {
      over();
      if (!controller.signal.aborted) throw error;
      // Cancelled: nobody waits for the answer.
      return new Response(null, { status: 202 });
    }
  };
}

function callIn(init: RequestInit | undefined): Call | undefined {
  if (init?.method !== "POST" || typeof init.body !== "string") return undefined;
  const message: unknown = JSON.parse(init.body);
  return isRecord(message) && typeof message["method"] === "string"
    ? (message as unknown as Call)
    : undefined;
}

function headersOf({ method, params }: Call, given: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  const meta = member(params, "_meta");
  const version = textMember(meta, "io.modelcontextprotocol/protocolVersion") ?? "";
  headers.set("mcp-protocol-version", version);
  headers.set("mcp-method", method);
  const name = textMember(params, NAMED_BY[method] ?? "");
  if (NAMED_BY[method] !== undefined && name !== undefined) headers.set("mcp-name", encode(name));
  return headers;
}

function encode(value: string): string {
  const isPlain = PLAIN_HEADER.test(value) && !value.startsWith("=?base64?");
  return isPlain ? value : `=?base64?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

/** The answer, as SDK 1.x reads it, and `over` called at its end. */
async function answerOf(response: Response, over: () => void): Promise<Response> {
  const { body, headers, ok, status } = response;
  const isJson = headers.get("content-type")?.startsWith("application/json") === true;
  if (!ok && isJson) {
    const text = await response.text();
    over();
    const isAnswer = text.includes('"jsonrpc"');
    return new Response(text, { status: isAnswer ? 200 : status, headers });
  }
  if (body === null) {
    over();
    return response;
  }
  const watched = body.pipeThrough(new TransformStream({ flush: over }));
  return new Response(watched, { status, headers });
}
