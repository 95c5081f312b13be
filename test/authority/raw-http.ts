import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** An answer as its bytes said it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** Opens a connection to a loopback port. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Reads everything until the server ends the connection. A reset counts as an end. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  await once(socket, "close");
  return text;
}

/** Sends bytes as they are, and reads the one answer that comes before the connection ends. */
export async function sendRaw(port: number, ...parts: (string | Buffer)[]): Promise<RawAnswer> {
  const socket = await openSocket(port);
  const read = readToEnd(socket);
  for (const part of parts) socket.write(part);
  return parseAnswer(await read);
}

/** Reads one answer out of its bytes. */
export function parseAnswer(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const payload = rest.join("\r\n\r\n");
  const body = payload === "" ? {} : (JSON.parse(payload) as Record<string, unknown>);
  return { status: Number(statusLine.split(" ")[1]), headers, text, body };
}

/** A POST to `validate`, spelled out. */
export function rawValidate(ownerKey: string, body: string | Buffer, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    "POST /api/v1/devices/validate HTTP/1.1",
    "host: authority",
    `x-org-key: ${ownerKey}`,
    "content-type: application/json",
    `content-length: ${bytes.length}`,
    "connection: close",
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}
