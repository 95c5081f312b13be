import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { MachineID } from "../../src/index.ts";

/**
 * How the other end behaves:
 * - `allow`, `revoked`: decides
 * - `hang`: takes the request and never answers
 * - `nonsense`: answers 200 with JSON that is no decision
 * - `error`: answers 503 in the failure shape
 * - `down`: resets every connection; the port stays taken, so that nobody else answers there
 */
export type Mode = "allow" | "revoked" | "hang" | "nonsense" | "error" | "down";

export interface ScriptedAuthority extends AsyncDisposable {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: readonly string[];
  /** How many requests there were to validate. */
  readonly validations: number;
  /** Changes the behaviour for requests that arrive from now on. */
  become(mode: Mode): Promise<void>;
  /** A client of it. */
  client(): MachineID;
  /** Called with each validation's number, from 1, before it is answered. */
  onValidation: ((count: number) => void | Promise<void>) | undefined;
  /** Called with each registration's number, from 1, before it is answered. */
  onRegistration: ((count: number) => void | Promise<void>) | undefined;
  close(): Promise<void>;
}

/** A real HTTP server that answers as an authority, or fails as one can. */
export async function startScriptedAuthority(first: Mode = "allow"): Promise<ScriptedAuthority> {
  let mode: Mode = first;
  let validations = 0;
  let registrations = 0;
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (mode === "down") socket.resetAndDestroy();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    requests.push(path);
    request.resume();
    if (path.endsWith("/validate")) {
      validations += 1;
      await authority.onValidation?.(validations);
    } else if (path.endsWith("/register")) {
      registrations += 1;
      await authority.onRegistration?.(registrations);
    }
    if (mode === "hang") return;
    if (mode === "down") {
      request.socket.resetAndDestroy();
      return;
    }
    const { status, body } = reply(mode, path);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  const authority: ScriptedAuthority = {
    url,
    requests,
    get validations() {
      return validations;
    },
    onValidation: undefined,
    onRegistration: undefined,
    async become(next) {
      mode = next;
      if (next === "down") for (const socket of sockets) socket.resetAndDestroy();
    },
    client: () => new MachineID({ orgKey: "org_scripted", baseUrl: url }),
    close,
    [Symbol.asyncDispose]: close,
  };
  return authority;
}

function reply(mode: Mode, path: string): { status: number; body: unknown } {
  const request_id = randomUUID();
  if (mode === "nonsense")
    return { status: 200, body: { allowed: "true", status: "sure", request_id } };
  if (mode === "error") {
    const body = { status: "error", error: "internal", code: "INTERNAL_ERROR", allowed: false };
    return { status: 503, body: { ...body, message: "broken", request_id } };
  }
  const isRevoked = mode === "revoked";
  if (path.endsWith("/register")) {
    return isRevoked
      ? {
          status: 403,
          body: { status: "blocked", code: "DEVICE_REVOKED", allowed: false, request_id },
        }
      : { status: 200, body: { status: "exists", request_id } };
  }
  const code = isRevoked ? "DEVICE_REVOKED" : "ALLOW";
  return { status: 200, body: { allowed: !isRevoked, code, request_id } };
}
