import { UsageError } from "../exit-code.ts";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const AGO = /^(\d{1,6})([smhd])$/;

/** Reads `--since`: an age like 90m, 24h or 7d, or an ISO 8601 instant. @throws {@link UsageError} */
export function readSince(text: string, now: number): string {
  const [, count = "", unit = ""] = AGO.exec(text) ?? [];
  const unitMs = UNIT_MS[unit as keyof typeof UNIT_MS];
  const at = unitMs === undefined ? Date.parse(text) : now - Number(count) * unitMs;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new UsageError(
    `--since must be an age like 90m, 24h or 7d, or an instant like 2030-01-31T12:00:00Z, not ${JSON.stringify(text)}`,
  );
}
