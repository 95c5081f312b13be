import type { LeaseRequest } from "../../wire/index.ts";
import type { Cancellation } from "../cancellation.ts";
import type { Holder } from "../holder.ts";
import type { LeaseListener } from "./leased-device.ts";
import { LeaseSession } from "./lease-session.ts";
import type { Schedule } from "./lease-session.ts";

export interface SelfCheckOptions {
  readonly holder: Holder;
  readonly schedule: Schedule;
  readonly onResult: (isSound: boolean) => void;
}

/** Time from one self-check to the next. */
const EVERY_MS = 60_000;

const DECISION = { allowed: true, code: "ALLOW", request_id: "self-check" };
const TOOL = { kind: "tool", name: "self-check" } as const;
const NEVER: Cancellation = { isCancelled: false, reason: undefined, onCancel: () => undefined };
const DEAF: LeaseListener = {
  changed: () => undefined,
  undrained: () => undefined,
  selfChecked: () => undefined,
};

/**
 * Tries now and then whether a stop would be obeyed in this process, as it is
 * patched, bundled and loaded. That frames arrive is shown by the renewals.
 */
export class SelfCheck {
  readonly #options: SelfCheckOptions;
  #unschedule: (() => void) | undefined;
  #isRunning = false;

  constructor(options: SelfCheckOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    void this.#try();
  }

  end(): void {
    this.#isRunning = false;
    this.#unschedule?.();
  }

  async #try(): Promise<void> {
    const { holder, schedule, onResult } = this.#options;
    const isSound = await obeysStops(holder);
    if (!this.#isRunning) return;
    onResult(isSound);
    this.#unschedule?.();
    this.#unschedule = schedule(() => void this.#try(), EVERY_MS);
  }
}

/**
 * Stops a run of its own, by the same code and the same messages: what was allowed
 * is denied, the run's signal aborts, and then, but no sooner, each is acknowledged.
 */
export async function obeysStops(holder: Holder): Promise<boolean> {
  try {
    return await tryStop(holder);
  } catch {
    return false;
  }
}

async function tryStop({ time, canary, readDecision }: Holder): Promise<boolean> {
  const { device, latch } = canary();
  const sent: LeaseRequest[] = [];
  const states = (): string => sent.flatMap((m) => (m.type === "ack" ? m.state : [])).join();
  const session = new LeaseSession({
    numbers: device.numbers,
    time,
    readDecision,
    schedule: () => () => undefined,
  });
  const connection = session.open((message) => sent.push(message));
  const leased = session.watch(device, DEAF);
  const asked = session.ask(leased, NEVER);
  await Promise.resolve();
  const n = sent.findLast((message) => message.type === "renew")?.n;
  const { deviceId } = device;
  const decisions = { [deviceId]: DECISION };
  connection.receive(JSON.stringify({ type: "grant", n, ttl_ms: 1000, version: 1, decisions }));
  const { verdict } = await asked;
  const body = device.begin(TOOL, latch);
  const { signal } = latch;
  const wasGood = verdict.outcome === "allowed" && !signal.aborted;
  const stop = { type: "stop", version: 2, devices: [deviceId], code: "DEVICE_REVOKED" };
  connection.receive(JSON.stringify(stop));
  const isDenied = leased.decision(time.now())?.verdict.outcome === "denied";
  const isAborted = signal.aborted && signal.reason === latch.error;
  const isFenced = states() === "fenced" && latch.error?.code === "DEVICE_REVOKED";
  device.end(body);
  const isDrained = states() === "fenced,drained";
  session.unwatch(leased, DEAF);
  return wasGood && isDenied && isAborted && isFenced && isDrained;
}
