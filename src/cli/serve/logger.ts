import { pino } from "pino";
import type { Logger } from "pino";
import { UsageError } from "../exit-code.ts";
import { named } from "./environment.ts";
import { hideKeys, printable } from "../output.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const LOG_FORMATS = ["readable", "json"] as const;

/** Fields of a record that its readable form shows otherwise, or not at all. */
const OWN_FIELDS = new Set(["level", "time", "msg", "pid", "hostname"]);

/**
 * Makes the logger of `serve`. It writes to stderr: stdout is for answers.
 *
 * @throws {@link UsageError} for an unknown level or format
 */
export function createLogger(level: string, format: string): Logger {
  if (!LOG_LEVELS.some((known) => known === level)) {
    throw new UsageError(`${named("log-level")} must be one of ${LOG_LEVELS.join(", ")}`);
  }
  if (!LOG_FORMATS.some((known) => known === format)) {
    throw new UsageError(`${named("log-format")} must be one of ${LOG_FORMATS.join(", ")}`);
  }
  // The authority logs no key; one that was sent as something else is hidden here.
  const write =
    format === "json"
      ? (line: string) => process.stderr.write(hideKeys(line))
      : (line: string) => process.stderr.write(`${readable(hideKeys(line))}\n`);
  return pino({ level, base: null }, { write });
}

/** One record for people: time, level, message, and its fields after it. */
export function readable(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  const time = new Date(Number(record["time"])).toISOString().slice(11, 23);
  const label = pino.levels.labels[Number(record["level"])] ?? "log";
  const fields = Object.entries(record)
    .filter(([name]) => !OWN_FIELDS.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const message = typeof record["msg"] === "string" ? record["msg"] : "";
  return printable([time, label.padEnd(5), message, ...fields].join("  ").trimEnd());
}
