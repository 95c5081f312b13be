import { readBody, startHttpServer } from "./http-server.ts";
import type { TestServer } from "./http-server.ts";

/** A request, and the answer that the other side gave to it. */
export interface Passing {
  readonly path: string;
  readonly request: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
  status: number;
  body: Record<string, unknown>;
  /** Sends something of one's own to the other side. */
  readonly ask: (
    path: string,
    body: object,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Record<string, unknown>>;
}

/** Somebody in the middle, who changes answers to POST requests as they like. */
export async function startProxy(
  target: string,
  change: (passing: Passing) => void | Promise<void>,
): Promise<TestServer> {
  return startHttpServer(async (request, response) => {
    const path = request.url ?? "";
    const text = await readBody(request);
    const headers = {
      "content-type": "application/json",
      "x-org-key": String(request.headers["x-org-key"]),
    };
    const send = (to: string, body: string, more: Readonly<Record<string, string>> = {}) =>
      fetch(target + to, { method: "POST", headers: { ...headers, ...more }, body });
    const answer = await send(path, text);
    const passing: Passing = {
      path,
      request: JSON.parse(text) as Record<string, unknown>,
      headers,
      status: answer.status,
      body: (await answer.json()) as Record<string, unknown>,
      ask: async (to, body, more) =>
        (await (await send(to, JSON.stringify(body), more)).json()) as Record<string, unknown>,
    };
    await change(passing);
    response.writeHead(passing.status, { "content-type": "application/json" });
    response.end(JSON.stringify(passing.body));
  });
}
