import { connect } from "node:net";
import type { Socket } from "node:net";
import { startTcpServer } from "./http-server.ts";
import type { TestServer } from "./http-server.ts";

/** A network in between, that a test can make as bad as it likes. */
export interface Relay extends TestServer {
  /** Port that new connections go to. */
  to: number;
  /** Holds every byte back, and leaves connections open. New ones freeze as well. */
  freeze(): void;
  /** New connections are carried again; frozen ones stay as they are. */
  thaw(): void;
  /** Milliseconds that each part of new connections takes, each way. */
  delayMs: number;
}

export async function startRelay(to: number): Promise<Relay> {
  let isFrozen = false;
  const open = new Set<Socket>();
  const server = await startTcpServer((near) => {
    const far = connect(relay.to, "127.0.0.1");
    const state = { isFrozen };
    const carry = (from: Socket, into: Socket): void => {
      const { delayMs } = relay;
      from.on("data", (data) => {
        setTimeout(() => frozen.has(from) || into.write(data), delayMs);
      });
      from.on("close", () => frozen.has(from) || into.destroy());
      from.on("error", () => undefined);
      if (state.isFrozen) frozen.add(from);
      open.add(from);
    };
    carry(near, far);
    carry(far, near);
  });
  const frozen = new Set<Socket>();
  const relay: Relay = {
    url: server.url,
    port: server.port,
    to,
    delayMs: 0,
    freeze() {
      isFrozen = true;
      for (const socket of open) frozen.add(socket);
    },
    thaw() {
      isFrozen = false;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
  return relay;
}
