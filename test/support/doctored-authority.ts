import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { readBody } from "./http-server.ts";
import type { TestServer } from "./http-server.ts";

type Body = Record<string, unknown>;

/** A request to an authority, which whoever stands in between may change, hold back or repeat. */
export interface Doctored {
  readonly path: string;
  readonly body: Body;
  /** Sends it on, with this body or another one. */
  send(body?: Body): Promise<{ status: number; body: Body }>;
}

export type Doctor = (request: Doctored) => Promise<{ status: number; body: Body }>;

/** An authority whose answers to HTTP requests are made by a doctor. Lease channels go through untouched. */
export async function startDoctoredAuthority(target: string, doctor: Doctor): Promise<TestServer> {
  const server = createServer((request, response) => {
    void (async () => {
      const text = await readBody(request);
      const path = request.url ?? "";
      const answer = await doctor({
        path,
        body: text === "" ? {} : (JSON.parse(text) as Body),
        send: (body) => forward(target, request, body === undefined ? text : JSON.stringify(body)),
      });
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.body));
    })();
  });
  server.on("upgrade", (request, near, head) => {
    const far = connect(Number(new URL(target).port), "127.0.0.1");
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`);
    }
    far.write(`${lines.join("\r\n")}\r\n\r\n`);
    far.write(head);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket.on("error", () => undefined);
      socket.on("close", () => [near, far].forEach((other) => other.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function forward(
  target: string,
  { method = "GET", url = "", headers }: IncomingMessage,
  text: string,
): Promise<{ status: number; body: Body }> {
  const answer = await fetch(target + url, {
    method,
    headers: {
      "x-org-key": String(headers["x-org-key"]),
      ...(text === "" ? {} : { "content-type": "application/json" }),
    },
    ...(text === "" ? {} : { body: text }),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}
