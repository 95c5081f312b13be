import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import type { MachineIDServerOptions } from "../../../integrations/mcp/index.ts";
import type { MachineID } from "../../index.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { printable, printError } from "../output.ts";
import { aborted, stopSignal } from "../stop-signal.ts";
import { CLI_VERSION } from "../version.ts";

// oxlint-disable unicorn/prefer-add-event-listener -- what the SDK has are callbacks, no event targets

/** How long requests that came in before stdin ended may take, in milliseconds. */
const DRAIN_MS = 10_000;

/** Serves the device tools on stdin and stdout until stdin ends or a signal says so. */
export async function serveStdio(
  client: MachineID,
  options: Pick<MachineIDServerOptions, "allowRestores" | "readOnly">,
): Promise<ExitCode> {
  const stop = stopSignal();
  const stdinEnded = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve);
  });
  const transport = new StdioServerTransport();
  const server = createMachineIDServer(client, { ...options, version: CLI_VERSION });
  server.server.onerror = ({ message }) => printError(`machineid: mcp: ${printable(message)}`);
  await server.connect(transport);
  const answered = trackAnswers(transport);
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
  });
  await Promise.race([stdinEnded, aborted(stop), closed]);
  if (!stop.aborted) await Promise.race([answered(), aborted(stop), delay(DRAIN_MS)]);
  await server.close();
  return EXIT.ok;
}

/** Follows which requests are still to be answered. */
function trackAnswers(transport: StdioServerTransport): () => Promise<void> {
  const open = new Set<unknown>();
  let drained = (): void => undefined;
  const { onmessage } = transport;
  const send = transport.send.bind(transport);
  transport.onmessage = (message) => {
    if ("method" in message && "id" in message) open.add(message.id);
    onmessage?.(message);
  };
  transport.send = async (message) => {
    await send(message);
    if ("method" in message || !("id" in message)) return;
    open.delete(message.id);
    if (open.size === 0) drained();
  };
  return () =>
    new Promise((resolve) => {
      drained = resolve;
      if (open.size === 0) resolve();
    });
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
