import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { createGateway } from "../../../../integrations/mcp/index.ts";
import type { GatewayOptions } from "../../../../integrations/mcp/index.ts";
import type { Message } from "../../../../integrations/mcp/gate/message.ts";
import type { Transport } from "../../../../integrations/mcp/gate/transport.ts";
import { recordingGuard } from "../../../../src/testing/index.ts";
import type { RecordingGuard } from "../../../../src/testing/index.ts";
import { RawClient } from "./raw-client.ts";

/** A server that says exactly what a test says. */
export class RawServer extends RawClient {
  readonly transport: Transport;

  constructor(transport: Transport) {
    super(transport);
    this.transport = transport;
  }

  answer(id: Message["id"], result: object): Promise<void> {
    return this.send({ jsonrpc: "2.0", id, result });
  }
}

export interface Scene extends AsyncDisposable {
  readonly guard: RecordingGuard;
  readonly client: RawClient;
  readonly server: RawServer;
  readonly problems: string[];
}

export const linked = (): readonly [Transport, Transport] =>
  InMemoryTransport.createLinkedPair() as unknown as readonly [Transport, Transport];

export async function open(
  options: GatewayOptions = {},
  upstreamHas: Partial<Transport> = {},
): Promise<Scene> {
  const guard = recordingGuard({ checkTimeoutMs: 10_000 });
  const problems: string[] = [];
  const [upstream, far] = linked();
  const server = new RawServer(far);
  server.listen();
  await far.start();
  const onError = ({ message }: Error): void => void problems.push(message);
  const gateway = createGateway(guard, () => Object.assign(upstream, upstreamHas), {
    recheckMs: 60_000,
    onError,
    ...options,
  });
  const [near, downstream] = linked();
  await gateway.connect(downstream);
  const client = new RawClient(near);
  client.listen();
  await near.start();
  return { guard, client, server, problems, [Symbol.asyncDispose]: () => gateway.close() };
}

export const call = (id: number, name = "read", more: object = {}): object => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, ...more },
});
