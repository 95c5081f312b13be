import { createGuard } from "../index.ts";
import type { CheckEvent, Guard, GuardClient, GuardEvent, GuardOptions } from "../index.ts";

/** A guard for tests: no authority behind it, and it remembers what it was asked. */
export interface RecordingGuard extends Guard {
  /** Every check that is over, in order. */
  readonly checks: readonly CheckEvent[];
  /** Every event, in order. */
  readonly events: readonly GuardEvent[];
  /** Checks from now on are allowed, as they are at first. */
  allow(): void;
  /** Checks from now on are denied. @default code "DEVICE_REVOKED" */
  deny(code?: string): void;
  /** Checks from now on find no authority. */
  fail(): void;
}

type Behaviour = { readonly code: string; readonly allowed: boolean } | "unreachable";

/**
 * Makes a guard that decides as the test says. It is a real guard in everything
 * else: the latch, the signals, the errors and the events are those of production.
 */
export function recordingGuard(
  options: Partial<Omit<GuardOptions, "enforcement">> = {},
): RecordingGuard {
  let behaviour: Behaviour = { code: "ALLOW", allowed: true };
  const events: GuardEvent[] = [];
  const checks: CheckEvent[] = [];
  const client: GuardClient = {
    request: async () => {
      if (behaviour === "unreachable") throw new Error("the test said there is no authority");
      return { status: 200, body: behaviour, requestId: undefined, retryAfterMs: undefined };
    },
  };
  const guard = createGuard(client, {
    deviceId: "test-device",
    checkTimeoutMs: 100,
    ...options,
    register: false,
    onEvent: (event) => {
      events.push(event);
      if (event.type === "check") checks.push(event);
      options.onEvent?.(event);
    },
  });
  return Object.assign(guard, {
    events,
    checks,
    allow() {
      behaviour = { code: "ALLOW", allowed: true };
    },
    deny(code = "DEVICE_REVOKED") {
      behaviour = { code, allowed: false };
    },
    fail() {
      behaviour = "unreachable";
    },
  });
}
