import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import type { MachineIDServerOptions } from "../../../integrations/mcp/index.ts";
import type { MachineID } from "../../index.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { listenProblem } from "../listen-problem.ts";
import { isLoopback } from "../local-authority.ts";
import { print, printError, printJson } from "../output.ts";
import { aborted, stopSignal } from "../stop-signal.ts";
import { CLI_VERSION } from "../version.ts";
import { createHostCheck } from "./hosts.ts";
import { createHttpServer, MCP_PATH } from "./http-server.ts";
import { reportProblem, reportProblems } from "./report-problems.ts";
import { SessionTable } from "./session-table.ts";

export interface ServeHttpOptions {
  readonly port: number;
  readonly host: string;
  /** Host names of callers, beside the loopback ones and `host`. */
  readonly allowedHosts: readonly string[];
  /** Say on one line of JSON where it answers. */
  readonly json: boolean;
  /** A client that uses the key of a caller. */
  readonly createClient: (orgKey: string) => MachineID;
  readonly server: Pick<MachineIDServerOptions, "allowRestores" | "readOnly" | "tools">;
}

const MAX_SESSIONS = 256;
const MAX_SESSIONS_PER_KEY = 32;
const IDLE_MS = 30 * 60 * 1000;
/** How long calls that came in before the end may take, in milliseconds. */
const DRAIN_MS = 5_000;

/**
 * Serves the device tools over Streamable HTTP until a signal says so.
 *
 * @throws {@link CommandError} when it cannot begin
 */
export async function serveHttp(options: ServeHttpOptions): Promise<ExitCode> {
  const { host, port, json } = options;
  const stop = stopSignal();
  const sessions = new SessionTable({
    createClient: options.createClient,
    createServer: (client) =>
      reportProblems(createMachineIDServer(client, { ...options.server, version: CLI_VERSION })),
    maxSessions: MAX_SESSIONS,
    maxSessionsPerKey: MAX_SESSIONS_PER_KEY,
    idleMs: IDLE_MS,
  });
  const app = createHttpServer(
    sessions,
    createHostCheck(host, options.allowedHosts),
    reportProblem,
  );
  try {
    const address = await app.listen({ host, port }).catch((error: unknown) => {
      throw listenProblem({ host, port }, error);
    });
    const url = `${address}${MCP_PATH}`;
    if (json) printJson({ url, pid: process.pid });
    else
      print(
        `MCP at ${url}. Each caller sends a key of its own, as x-org-key or Authorization: Bearer`,
      );
    if (!isLoopback(host)) {
      printError(
        `machineid: warning: ${host} can be reached from other machines, and this speaks plain http: put TLS in front of it`,
      );
    }
    await aborted(stop);
  } finally {
    await sessions.close(DRAIN_MS);
    await app.close();
  }
  return EXIT.ok;
}
