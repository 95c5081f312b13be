import { InvalidArgumentError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { attachGate } from "./attach.ts";
import { Gate } from "./gate.ts";
import { onHandlerEnd } from "./handler-ends.ts";
import { isRecord } from "./message.ts";
import type { RequestId } from "./message.ts";
import { createPolicy } from "./policy.ts";
import type { GateOptions } from "./policy.ts";
import type { Transport } from "./transport.ts";

interface Connecting {
  connect(transport: never): Promise<void>;
  readonly transport?: unknown;
}

/** A `McpServer` or a `Server`, of `@modelcontextprotocol/sdk` 1.x or `@modelcontextprotocol/server` 2.x. */
export type GuardableServer = Connecting | { readonly server: Connecting };

/** Which guards gate a server, and how. */
const guarded = new WeakMap<object, Map<Guard, string>>();

/**
 * Gates a server: every tool call is asked about, in a run of its own, before
 * the server sees it; by option resources, prompts and completions, too. What
 * the gate does not know is gated as well, and so are tasks.
 *
 * It stands at the server's transports, so that it does not matter how, or when,
 * a tool is registered, updated or removed, or whether the server is connected
 * already. When the device is stopped, calls in flight are cancelled (the
 * handler's signal aborts) and answered. A refused call is answered with
 * `isError` and a fixed payload; any other refused request with an error of code
 * -32050 and the same payload as its data.
 *
 * Guarding a server twice with one guard and the same options changes nothing.
 *
 * @returns the server
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for what is no server,
 * for an option that cannot be, and for a second call with other options
 *
 * @example
 * const server = guardServer(guard, new McpServer({ name: "files", version: "1.0.0" }));
 */
export function guardServer<S extends GuardableServer>(
  guard: Guard,
  server: S,
  options: GateOptions = {},
): S {
  const policy = createPolicy(options);
  const inner = connecting(server);
  const guards = guarded.get(inner) ?? new Map<Guard, string>();
  const asked = JSON.stringify(options, Object.keys(options).toSorted());
  const before = guards.get(guard);
  if (before === asked) return server;
  if (before !== undefined) throw invalid("the server is guarded already, with other options");

  let gate: Gate | undefined;
  const ended = (id: RequestId): void => gate?.handlerEnded(id);
  const attach = (transport: object): void => {
    attachGate(guard, transport as Transport, (sides) => (gate = new Gate(guard, policy, sides)));
    onHandlerEnd(inner, ended);
  };
  const { transport } = inner;
  if (isRecord(transport)) attach(transport);
  const connect = inner.connect.bind(inner) as (transport: object) => Promise<void>;
  inner.connect = async (transport: object): Promise<void> => {
    attach(transport);
    await connect(transport);
  };
  guarded.set(inner, guards.set(guard, asked));
  return server;
}

function connecting(server: unknown): Connecting {
  if (isRecord(server)) {
    const inner = isRecord(server["server"]) ? server["server"] : server;
    if (typeof inner["connect"] === "function") return inner as unknown as Connecting;
  }
  throw invalid("guardServer takes a McpServer or a Server");
}

const invalid = (problem: string): InvalidArgumentError =>
  new InvalidArgumentError("OPTION_INVALID", `MCP gate: ${problem}`);
