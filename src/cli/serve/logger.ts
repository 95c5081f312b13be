import { pino } from "pino";
import type { Logger } from "pino";
import { UsageError } from "../exit-code.ts";
import { printable } from "../output.ts";

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
    throw new UsageError(`--log-level must be one of ${LOG_LEVELS.join(", ")}`);
  }
  if (!LOG_FORMATS.some((known) => known === format)) {
    throw new UsageError(`--log-format must be one of ${LOG_FORMATS.join(", ")}`);
  }
  if (format === "json") return pino({ level, base: null }, process.stderr);
  return pino(
    { level, base: null },
    { write: (line: string) => process.stderr.write(`${readable(line)}\n`) },
  );
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
