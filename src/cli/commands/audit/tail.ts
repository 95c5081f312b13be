import { setTimeout as delay } from "node:timers/promises";
import { defineCommand } from "citty";
import type { MachineID } from "../../../client/index.ts";
import { auditEntrySchema, devicesOfEntry, MAX_AUDIT_PAGE } from "../../../wire/index.ts";
import { readInteger } from "../../arguments.ts";
import { readPage } from "../../audit/audit-client.ts";
import { readSince } from "../../audit/since.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { printable, printLines } from "../../output.ts";
import { stopSignal } from "../../stop-signal.ts";

const POLL_MS = 1_000;

/** `machineid audit tail` */
export const command = defineCommand({
  meta: {
    name: "tail",
    description: "Show the newest audit entries, and with --follow what comes",
  },
  args: {
    lines: {
      type: "string",
      description: `Most entries to begin with, 0 to ${MAX_AUDIT_PAGE}`,
      default: "20",
      valueHint: "N",
    },
    follow: { type: "boolean", alias: "f", description: "Go on showing what comes" },
    device: { type: "string", description: "Of this device alone", valueHint: "ID" },
    code: {
      type: "string",
      description: "With this code alone, as DEVICE_REVOKED",
      valueHint: "CODE",
    },
    since: {
      type: "string",
      description: "From then on: an age like 24h, or an ISO 8601 instant",
      valueHint: "WHEN",
    },
    ...CONNECTION_ARGUMENTS,
    json: { type: "boolean", description: "JSON Lines: every entry as it was written" },
  },
  async run({ args }): Promise<ExitCode> {
    const lines = readInteger(args.lines, "--lines", 0, MAX_AUDIT_PAGE);
    const { device: deviceId, code } = args;
    const since = args.since === undefined ? undefined : readSince(args.since, Date.now());
    const filters = { deviceId, code, since };
    const show = args.json === true ? (line: string): string => line : describe;
    const client = connect(args);
    const signal = args.follow === true ? stopSignal() : undefined;
    await printLines(entries(client, filters, lines, show, signal));
    return EXIT.ok;
  },
});

type Filters = Readonly<Record<"deviceId" | "code" | "since", string | undefined>>;

async function* entries(
  client: MachineID,
  filters: Filters,
  count: number,
  show: (line: string) => string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const found: string[] = [];
  let newer: string | undefined;
  let cursor: string | undefined;
  do {
    const limit = Math.max(1, count - found.length);
    const page = await readPage(client, { ...filters, order: "desc", limit, cursor }, signal);
    newer ??= page.newer;
    found.push(...page.entries.slice(0, count - found.length).map(({ line }) => line));
    cursor = page.more && page.cursor !== cursor ? page.cursor : undefined;
  } while (found.length < count && cursor !== undefined);
  for (const line of found.toReversed()) yield show(line);

  let next = newer;
  const isOver = (): boolean => signal?.aborted !== false;
  while (!isOver() && next !== undefined) {
    try {
      const page = await readPage(client, { ...filters, cursor: next, limit: 100 }, signal);
      for (const { line } of page.entries) yield show(line);
      next = page.cursor;
      if (!page.more) await delay(POLL_MS, undefined, { signal });
    } catch (error) {
      if (!isOver()) throw error;
    }
  }
}

/** An entry for people, on one line. */
function describe(line: string): string {
  const { data: entry } = auditEntrySchema.safeParse(parse(line));
  if (entry === undefined) return printable(line);
  const { at, op, code, by, request_id: requestId, detail } = entry;
  const more = detail === undefined ? undefined : JSON.stringify(detail);
  const devices = devicesOfEntry(entry).join(", ") || undefined;
  const words = [new Date(at).toISOString(), op, devices, code, `by ${by}`, more, requestId];
  return words.flatMap((word) => (word === undefined ? [] : [printable(word)])).join("  ");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
