import { request as send } from "node:http";
import { readBody, startHttpServer } from "../support/http-server.ts";
import type { TestServer } from "../support/http-server.ts";

/** A request on its way to the real authority. A fault may change it. */
export interface Passing {
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  text: string;
  /** The body's JSON; empty when it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** The authority's answer on its way back. A fault may change it. */
export interface Returning {
  status: number;
  headers: Record<string, string>;
  json: Record<string, unknown>;
  /** Sent instead of `json`, when it is set. */
  text?: string;
}

/** How an authority breaks one rule. */
export interface Fault {
  /** Before the request reaches the real authority. Answering here, it never does. */
  readonly asked?: (passing: Passing, real: Ask) => Promise<Returning | void> | Returning | void;
  readonly answered?: (returning: Returning, passing: Passing, real: Ask) => Promise<void> | void;
  /** What becomes of a text that is streamed. */
  readonly streamed?: (text: string) => string;
}

/** Asks the real authority something else. */
export type Ask = (passing: Passing) => Promise<Returning>;

/** An authority that is faulty: a real one, behind what spoils what goes in and out. */
export async function startFaultyAuthority(target: string, fault: Fault): Promise<TestServer> {
  const { port } = new URL(target);
  const real: Ask = ({ method, path, headers, text }) =>
    new Promise((resolve, reject) => {
      const { connection: _connection, "transfer-encoding": _encoding, ...kept } = headers;
      const length = { "content-length": String(Buffer.byteLength(text)) };
      const outgoing = send({
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: { ...kept, ...(text === "" ? {} : length) },
      });
      outgoing.on("error", reject).on("response", (incoming) => {
        const headers = incoming.headers as Record<string, string>;
        const answer = (text: string): void =>
          resolve({ status: incoming.statusCode ?? 0, headers, json: {}, ...parsed(text) });
        readBody(incoming).then(answer, reject);
      });
      outgoing.end(text);
    });

  return startHttpServer(async (request, response) => {
    const text = await readBody(request);
    const { method = "", url: path = "" } = request;
    const headers = request.headers as Record<string, string>;
    const passing: Passing = { method, path, headers, text, body: parsed(text).json ?? {} };
    if (path.startsWith("/api/v1/events")) {
      await fault.asked?.(passing, real);
      const outgoing = send({ host: "127.0.0.1", port, method, path, headers: passing.headers });
      outgoing.on("error", () => response.destroy());
      outgoing.on("response", (incoming) => {
        response.writeHead(incoming.statusCode ?? 0, incoming.headers);
        incoming.setEncoding("utf8").on("data", (chunk: string) => {
          response.write(fault.streamed?.(chunk) ?? chunk);
        });
        incoming.on("error", () => response.destroy()).on("end", () => response.end());
      });
      response.on("close", () => outgoing.destroy());
      outgoing.end();
      return;
    }
    const returning = (await fault.asked?.(passing, real)) ?? (await real(passing));
    await fault.answered?.(returning, passing, real);
    const body = returning.text ?? JSON.stringify(returning.json);
    const {
      "content-length": _length,
      "transfer-encoding": _encoding,
      ...rest
    } = returning.headers;
    response.writeHead(returning.status, {
      ...rest,
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
}

/** The JSON object of a text, or the text itself where it holds none. */
function parsed(text: string): { readonly json?: Record<string, unknown>; readonly text?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) {
      return { json: value as Record<string, unknown> };
    }
  } catch {
    // It is told as it is.
  }
  return { text };
}
