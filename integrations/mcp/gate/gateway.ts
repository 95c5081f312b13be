import { InvalidArgumentError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { GatewaySession } from "./gateway-session.ts";
import { createPolicy } from "./policy.ts";
import type { GateOptions } from "./policy.ts";
import type { AnyTransport, Transport } from "./transport.ts";

/** {@link GateOptions}, and whom to tell of trouble. */
export interface GatewayOptions extends GateOptions {
  /**
   * How long a server may go on with a call that was denied in flight, and so
   * cancelled, in milliseconds. Then the session ends: its connection to the server
   * is closed, which ends a server that the connection had started. For a server
   * that ends with its connection; of any other nobody knows what it goes on with.
   * @default no limit
   */
  readonly endAfterMs?: number | undefined;
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

/** A day. */
const MAX_END_AFTER_MS = 86_400_000;

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
  const { endAfterMs, onError, ...gateOptions } = options;
  const policy = createPolicy(gateOptions);
  if (endAfterMs !== undefined && !(endAfterMs >= 0 && endAfterMs <= MAX_END_AFTER_MS)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      `endAfterMs is a number of milliseconds from 0 to ${MAX_END_AFTER_MS}`,
    );
  }
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
        endAfterMs,
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
