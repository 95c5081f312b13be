import type { Guard } from "../../../src/index.ts";
import { GatewaySession } from "./gateway-session.ts";
import { createPolicy } from "./policy.ts";
import type { GateOptions } from "./policy.ts";
import type { AnyTransport, Transport } from "./transport.ts";

/** {@link GateOptions}, and whom to tell of trouble. */
export interface GatewayOptions extends GateOptions {
  /** Told of what went wrong with a session. What it throws changes nothing. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** Opens a connection to the server that is gated: one for each client. */
export type Upstream = () => AnyTransport | Promise<AnyTransport>;

/** One client, served by a gateway. */
export interface GatewayConnection {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
  /** Closes both sides. */
  close(): Promise<void>;
}

/** A gate in front of a server of anybody's. */
export interface Gateway extends AsyncDisposable {
  /**
   * Serves a client: opens a connection to the server for it, and relays until
   * either side closes; then the other side is closed, too. Resolves when
   * messages flow.
   *
   * @throws what the connection to the server could not be opened with
   */
  connect(client: AnyTransport): Promise<GatewayConnection>;
  /** Ends every session. */
  close(): Promise<void>;
}

/**
 * Makes a gateway: a client talks to a server through it, and everything that
 * begins work is asked about first, as by {@link guardServer}: calls of tools,
 * the sampling that a server asks for, and methods that nobody knows yet.
 * Everything is relayed both ways as it is: sampling, elicitation, roots,
 * progress, logging, cancellation and notifications.
 *
 * Each client has a connection to the server of its own, so that nothing of one
 * session can reach another.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for an option that cannot be
 *
 * @example
 * const gateway = createGateway(guard, () => new StdioClientTransport({ command: "files-server" }));
 * await gateway.connect(new StdioServerTransport());
 */
export function createGateway(
  guard: Guard,
  upstream: Upstream,
  options: GatewayOptions = {},
): Gateway {
  const { onError, ...gateOptions } = options;
  const policy = createPolicy(gateOptions);
  const sessions = new Set<GatewaySession>();
  const report = (error: Error): void => {
    try {
      onError?.(error);
    } catch {
      // Its own trouble.
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all([...sessions].map((session) => session.close()));
  };
  return {
    async connect(client) {
      const session = new GatewaySession({
        guard,
        policy,
        report,
        client: client as Transport,
      });
      sessions.add(session);
      void session.closed.then(() => sessions.delete(session));
      await session.open(upstream as () => Transport | Promise<Transport>);
      return session;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
