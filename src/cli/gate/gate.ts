import { createGateway } from "../../../integrations/mcp/gate/gateway.ts";
import type { GateOptions } from "../../../integrations/mcp/gate/policy.ts";
import type { AnyTransport } from "../../../integrations/mcp/gate/transport.ts";
import { ExecutionDeniedError } from "../../index.ts";
import type { Guard } from "../../index.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { isLoopback } from "../local-authority.ts";
import { printable, printError } from "../output.ts";
import { aborted, stopSignal } from "../stop-signal.ts";
import { ChildTransport } from "./child-transport.ts";
import type { ChildServerOptions } from "./child-transport.ts";
import type { HttpServerOptions } from "./http-transport.ts";
import { LineTransport } from "./line-transport.ts";

/** What is gated, and for whom. */
export interface GateCommandOptions {
  readonly guard: Guard;
  readonly gate: GateOptions;
  readonly server: ChildServerOptions | HttpServerOptions;
  /** How long a server that was started may go on with a call that was denied in flight, in milliseconds. */
  readonly graceMs: number;
  /** Where clients are served over HTTP; undefined serves one on stdin and stdout. */
  readonly listen: ListenOptions | undefined;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
}

const OPEN_TO_OTHERS =
  "machineid: warning: other machines can reach this gate, and whoever does acts as the device: put a login and TLS in front of it";

/** Gates a server until its clients have gone, or a signal says so. */
export async function runGate(options: GateCommandOptions): Promise<ExitCode> {
  const { guard, gate, server, graceMs, listen } = options;
  let isEnded = false;
  const onError = ({ message, cause }: Error): void => {
    isEnded ||= ExecutionDeniedError.isInstance(cause);
    printError(`machineid: gate: ${printable(message)}`);
  };
  const stop = stopSignal();
  const upstream = await openerOf(server);
  const children = new Set<ChildTransport>();
  const gateway = createGateway(
    guard,
    () => {
      const transport = upstream();
      if (transport instanceof ChildTransport) children.add(transport);
      return transport;
    },
    // What a server goes on with that was not started here ends with nothing that is done here.
    { ...gate, onError, endAfterMs: "command" in server ? graceMs : undefined },
  );
  try {
    if (listen !== undefined) {
      const { serveHttp } = await import("./serve-http.ts");
      await using served = await serveHttp(gateway, listen);
      printError(`machineid: gate: listening on ${served.url.href}`);
      if (!isLoopback(listen.host)) printError(OPEN_TO_OTHERS);
      await aborted(stop);
      return EXIT.ok;
    }
    const client = new LineTransport({
      input: process.stdin,
      output: process.stdout,
      answersErrors: true,
    });
    const { closed } = await gateway.connect(client).catch((error: unknown) => {
      throw notStarted(error);
    });
    await Promise.race([closed, aborted(stop)]);
  } finally {
    await gateway.close();
  }
  if (isEnded) return EXIT.denied;
  return exitCodeOf([...children]);
}

function notStarted(error: unknown): CommandError {
  const given = error instanceof Error && "code" in error ? String(error.code) : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const mend = given === "ENOENT" ? ". Check the command after --" : "";
  return new CommandError(`The server could not be started: ${reason}${mend}`, {
    exitCode: EXIT.error,
    code: given ?? "SERVER_NOT_STARTED",
    cause: error,
  });
}

async function openerOf(
  server: ChildServerOptions | HttpServerOptions,
): Promise<() => ChildTransport | AnyTransport> {
  if ("command" in server) return () => new ChildTransport(server);
  const { createHttpTransport } = await import("./http-transport.ts");
  return () => createHttpTransport(server);
}

/** A server that ended by itself while its client was there did not end well. */
function exitCodeOf(children: readonly ChildTransport[]): ExitCode {
  const [end] = children.flatMap(({ endedBy }) => endedBy ?? []);
  if (end === undefined || end.code === 0) return EXIT.ok;
  const how = end.signal ?? `exit code ${end.code ?? 0}`;
  printError(`machineid: gate: The server ended by itself: ${how}`);
  return EXIT.error;
}
