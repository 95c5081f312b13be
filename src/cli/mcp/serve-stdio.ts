import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import type { MachineIDServerOptions } from "../../../integrations/mcp/index.ts";
import type { MachineID } from "../../index.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { aborted, stopSignal } from "../stop-signal.ts";
import { CLI_VERSION } from "../version.ts";
import { followRequests } from "./open-requests.ts";
import { reportProblems } from "./report-problems.ts";

// oxlint-disable unicorn/prefer-add-event-listener -- what the SDK has are callbacks, no event targets

/** How long requests that came in before stdin ended may take, in milliseconds. */
const DRAIN_MS = 10_000;
/** Longest line that is read, in bytes: what is too large to act upon is still answered. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Serves the device tools on stdin and stdout until stdin ends or a signal says so. */
export async function serveStdio(
  client: MachineID,
  options: Pick<MachineIDServerOptions, "allowRestores" | "readOnly" | "tools">,
): Promise<ExitCode> {
  const server = reportProblems(
    createMachineIDServer(client, { ...options, version: CLI_VERSION }),
  );
  const stop = stopSignal();
  const stdinEnded = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve);
  });
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: MAX_LINE_BYTES,
  });
  let hasFailed = false;
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = () => {
      hasFailed = true;
      resolve();
    };
  });
  await server.connect(transport);
  const requests = followRequests(transport);
  await Promise.race([stdinEnded, aborted(stop), closed]);
  if (hasFailed) return EXIT.error;
  if (!stop.aborted) await Promise.race([requests.settled(), aborted(stop), delay(DRAIN_MS)]);
  await server.close();
  return EXIT.ok;
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
