/** A guarded body. Times are nanoseconds of the machine's monotonic clock. */
export interface Body {
  readonly deviceId: string;
  /** Its first instruction. */
  readonly begunAt: bigint;
  /** Undefined when it was under way at the end. */
  readonly endedAt: bigint | undefined;
  /** The fencing token it was given. */
  readonly fence: number;
}

/** A stop, as whoever asked for it knows it. */
export interface Stop {
  readonly deviceIds: readonly string[];
  readonly version: number;
  /** What the authority answered. */
  readonly state: "pending" | "fenced" | "drained";
  readonly answeredAt: bigint;
  /** When the restore that ended it was asked for. */
  readonly restoredAt: bigint;
}

/** What nothing guarded may do: begin after its stop was answered fenced, run after it was answered drained. */
export function violationsOf(bodies: readonly Body[], stops: readonly Stop[]): string[] {
  const byDevice = Map.groupBy(bodies, ({ deviceId }) => deviceId);
  const found: string[] = [];
  for (const stop of stops) {
    if (stop.state === "pending") continue;
    for (const deviceId of stop.deviceIds) {
      for (const body of byDevice.get(deviceId) ?? []) {
        const what = `${deviceId}, stop ${stop.version}, token ${body.fence}`;
        if (isBetween(body.begunAt, stop)) {
          found.push(
            `began ${millis(body.begunAt - stop.answeredAt)} after ${stop.state}: ${what}`,
          );
        } else if (stop.state === "drained" && isRunningAt(body, stop.answeredAt)) {
          found.push(`ran when drained was answered: ${what}`);
        }
      }
    }
  }
  return found;
}

const isBetween = (at: bigint, { answeredAt, restoredAt }: Stop): boolean =>
  at > answeredAt && at < restoredAt;

const isRunningAt = ({ begunAt, endedAt }: Body, at: bigint): boolean =>
  begunAt < at && (endedAt === undefined || endedAt > at);

const millis = (nanoseconds: bigint): string => `${(Number(nanoseconds) / 1e6).toFixed(3)} ms`;
