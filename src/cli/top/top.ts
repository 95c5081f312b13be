import { setTimeout as delay } from "node:timers/promises";
import type { MachineID } from "../../client/index.ts";
import { RequestError } from "../../client/index.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { print, printJson } from "../output.ts";
import { oneLine } from "../report-error.ts";
import { stopSignal } from "../stop-signal.ts";
import { Fleet } from "./fleet.ts";
import { Sources } from "./sources.ts";
import { linesOf } from "./table.ts";
import { Terminal } from "./terminal.ts";

export interface TopOptions {
  readonly client: MachineID;
  readonly orgKey: string;
  readonly allowInsecureHttp: boolean;
  readonly pattern: string | undefined;
  /** Time between two tables, over which rates are counted, in milliseconds. */
  readonly intervalMs: number;
  /** One table, and no more. */
  readonly once: boolean;
  readonly json: boolean;
}

/**
 * Shows what an org's devices do: on a terminal anew and anew until a key or a
 * signal ends it, elsewhere once, or as JSON Lines.
 *
 * @throws as reading the devices does, when they cannot be read the first time
 */
export async function runTop(options: TopOptions): Promise<ExitCode> {
  const { client, orgKey, allowInsecureHttp, intervalMs, json } = options;
  const quit = new AbortController();
  const signal = AbortSignal.any([stopSignal(), quit.signal]);
  const fleet = new Fleet(client.baseUrl);
  const events = { orgKey, baseUrl: client.baseUrl, allowInsecureHttp };
  const sources = new Sources({ ...options, fleet, events, signal });
  await sources.refresh();
  const followed = sources.follow();
  const isLive = !options.once && (json || process.stdout.isTTY);
  const end = async (): Promise<ExitCode> => {
    quit.abort();
    await followed;
    return EXIT.ok;
  };
  const tick = async (): Promise<void> => {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await readAgain(sources, fleet);
  };
  process.stdout.on("close", () => quit.abort());

  if (!isLive || json) {
    for (;;) {
      await tick();
      if (signal.aborted) return end();
      if (json) printJson(fleet.snapshot());
      else print(linesOf(fleet.snapshot()).join("\n"));
      if (!isLive) return end();
    }
  }

  let lines = fleet.snapshot();
  const draw = (): void => terminal.draw(linesOf(lines, terminal.size));
  using terminal: Terminal = new Terminal({ onQuit: () => quit.abort(), onResize: () => draw() });
  while (!signal.aborted) {
    draw();
    await tick();
    lines = fleet.snapshot();
  }
  return end();
}

/** An authority that is away for a while is no reason to end: it is said. */
async function readAgain(sources: Sources, fleet: Fleet): Promise<void> {
  try {
    await sources.refresh();
    fleet.problem("authority", undefined);
  } catch (error) {
    if (!RequestError.isInstance(error) && !(error instanceof CommandError)) throw error;
    fleet.problem("authority", `not up to date: ${oneLine(error.message)}`);
    sources.stale();
  }
}
