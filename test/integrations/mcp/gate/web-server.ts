import { Readable } from "node:stream";
import { startHttpServer } from "../../../support/http-server.ts";
import type { TestServer } from "../../../support/http-server.ts";

/** A real HTTP server for a handler that speaks the web's `Request` and `Response`. */
export function startWebServer(
  handle: (request: Request) => Promise<Response>,
): Promise<TestServer> {
  return startHttpServer(async (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const { method = "GET", url = "/" } = request;
    const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    const hasBody = method === "POST";
    const {
      status,
      headers: answered,
      body,
    } = await handle(
      new Request(`http://${request.headers.host ?? ""}${url}`, {
        method,
        headers,
        signal: gone.signal,
        ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream, duplex: "half" } : {}),
      }),
    );
    response.writeHead(status, Object.fromEntries(answered));
    if (body === null) response.end();
    else Readable.fromWeb(body as never).pipe(response);
  });
}
