import type { ReadDecision, Verdict } from "./decision.ts";
import { MAX_ACK_AFTER_MS } from "./lease-limits.ts";

/** What a message of the authority's means to a guard. */
export type LeaseNews =
  | {
      readonly type: "grant" | "decision";
      readonly n: number;
      readonly version: number;
      /** Milliseconds from the sending of request `n` for which the allows are good. */
      readonly termMs: number;
      /** Reads the verdict on a device; undefined when the message has none. */
      readonly verdictOn: (deviceId: string) => Verdict | undefined;
    }
  | {
      readonly type: "stop";
      readonly version: number;
      readonly devices: readonly string[];
      readonly verdict: Extract<Verdict, { outcome: "denied" }>;
      /** Milliseconds that acknowledging it is to wait. */
      readonly ackAfterMs: number;
    }
  | { readonly type: "allow" };

/** An answer to `renew` or to `check`. */
export type Grant = Extract<LeaseNews, { type: "grant" | "decision" }>;

type Fields = Readonly<Record<string, unknown>>;

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isTerm = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

/**
 * Reads a message of the authority's. Written out, not parsed by a schema, since
 * a guard also runs where every kilobyte counts.
 *
 * @param readDecision the one that is loaded already
 * @returns undefined for what is no message, or one that cannot be relied on
 */
export function readLeaseNews(text: unknown, readDecision: ReadDecision): LeaseNews | undefined {
  const message = parse(text);
  const { type, version, devices } = message;
  if (type === "allow") return { type };
  if (type === "stop") {
    if (!isNames(devices)) return undefined;
    const verdict = readDecision(200, { ...message, allowed: false, status: "" }, "");
    if (verdict.outcome !== "denied") return undefined;
    // A stop whose version cannot be read is obeyed; what it acknowledges is then nothing.
    const after = message["ack_after_ms"];
    const ackAfterMs = isTerm(after) ? Math.min(after, MAX_ACK_AFTER_MS) : 0;
    return { type, version: isCount(version) ? version : 0, devices, verdict, ackAfterMs };
  }
  if (!isCount(version)) return undefined;
  const { n, decisions } = message;
  const termMs = type === "grant" ? message["ttl_ms"] : message["valid_ms"];
  if ((type !== "grant" && type !== "decision") || !isCount(n) || !isTerm(termMs)) return undefined;
  if (typeof decisions !== "object" || decisions === null) return undefined;
  let known: { readonly decision: Fields; readonly verdict: Verdict } | undefined;
  const verdictOn = (deviceId: string): Verdict | undefined => {
    if (!Object.hasOwn(decisions, deviceId)) return undefined;
    const decision: Fields = Object(Reflect.get(decisions, deviceId));
    if (known !== undefined && isAlike(decision, known.decision)) return known.verdict;
    const verdict = readDecision(200, { ...decision, version, valid_ms: termMs }, deviceId);
    known = { decision, verdict };
    return verdict;
  };
  return { type, n, version, termMs, verdictOn };
}

/** Whether decisions on two devices say the same, and nothing of the device: most of a message do. */
function isAlike(one: Fields, other: Fields): boolean {
  return (
    isPlain(one) &&
    one["request_id"] === other["request_id"] &&
    one["code"] === other["code"] &&
    one["allowed"] === other["allowed"] &&
    isPlain(other)
  );
}

/** Just what every decision has. */
const isPlain = (decision: Fields): boolean =>
  Object.hasOwn(decision, "allowed") &&
  Object.hasOwn(decision, "code") &&
  Object.hasOwn(decision, "request_id") &&
  Object.keys(decision).length === 3;

function parse(text: unknown): Fields {
  try {
    const value: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
    return typeof value === "object" && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}
