import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { createGuard, ExecutionDeniedError, findExecutionStopped } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";

/** What is played while the stop comes. */
export interface Stage {
  readonly guard: Guard;
  /** A guarded body has begun. */
  enter(body: string): void;
  /**
   * A guarded body goes on: until its signal aborts, or, where the bodies of a
   * test ignore their signals, until the test lets it go.
   */
  goOn(body: string, signal: AbortSignal | undefined): Promise<void>;
  /** The stop comes now. */
  stop(): void;
}

/** Work under a framework into which a stop is pushed. */
export interface Play {
  /** Bodies that go on when the stop comes. Without any, the play calls `stop` itself. */
  readonly during: readonly string[];
  /** Where those began, as the guard names it. @default each body, as a tool or a model */
  readonly names?: readonly string[];
  /** Bodies whose framework hands them no signal; they cannot obey. */
  readonly unsignalled?: boolean;
  /** What their signals say, where the denial itself cannot travel to them. */
  readonly reason?: string;
  /** Begins the work, and reads what it gives to its end. */
  run(stage: Stage): Promise<unknown>;
}

const DEVICE = "agent-01";

const SOON = { interval: 1, timeout: 5000 };

/** Long enough for whatever would begin after a stop to begin. */
const TURNS = 10;

async function perform(play: Play, obeys: boolean) {
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, {
    deviceId: DEVICE,
    enforcement: "lease",
    register: false,
  });
  const going = new Set<string>();
  const reasons: unknown[] = [];
  const late: string[] = [];
  const letGo = Promise.withResolvers<void>();
  let isStopped = false;
  const enter = (body: string): void => {
    if (isStopped) late.push(body);
  };
  const stop = (): void => {
    isStopped = true;
    leases.stop(DEVICE);
  };
  const stage: Stage = {
    guard,
    enter,
    stop,
    goOn: async (body, signal) => {
      enter(body);
      going.add(body);
      const aborted = new Promise<void>((_resolve, reject) => {
        const abort = (): void => {
          reasons.push(signal?.reason);
          if (obeys) reject(signal?.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
        if (signal?.aborted === true) abort();
      });
      await Promise.race([aborted, letGo.promise]);
    },
  };
  await guard.check({ kind: "startup" });
  const outcome = play.run(stage).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  if (play.during.length > 0) {
    const begun = vi.waitUntil(() => play.during.every((body) => going.has(body)), SOON);
    const early = outcome.then(({ error }) => error ?? "the work ended before the stop");
    expect(await Promise.race([begun, early])).toBe(true);
    stop();
  }
  const { value, error } = await outcome;
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  const acknowledged = (): string[] => leases.all("ack").map(({ state }) => state);
  return { guard, value, error, reasons, late, acknowledged, letGo: letGo.resolve };
}

const nameOf = ({ kind, name }: { kind: string; name?: string | undefined }): string =>
  name === undefined ? kind : `${kind} ${name}`;

/** Pushes a stop into each play: while bodies obey their signals, and while they ignore them. */
export function describeStops(plays: Readonly<Record<string, Play>>): void {
  describe.each(Object.entries(plays))("stopped while %s", (_title, play) => {
    const expectDenial = ({ value, error }: { value: unknown; error: unknown }): void => {
      expect({ value, error: findExecutionStopped(error) }).toMatchObject({
        value: undefined,
        error: { code: "DEVICE_REVOKED", deviceId: DEVICE },
      });
      expect(findExecutionStopped(error)).toBeInstanceOf(ExecutionDeniedError);
    };

    test.skipIf(play.unsignalled === true)(
      "ends with the denial, aborts what goes on with it, and is drained",
      async () => {
        const performance = await perform(play, true);
        const { guard, reasons, late, acknowledged } = performance;
        expectDenial(performance);
        expect(reasons).toHaveLength(play.during.length);
        for (const reason of reasons) {
          const denial = findExecutionStopped(reason);
          if (play.reason !== undefined) expect(reason).toBe(play.reason);
          else expect(denial).toMatchObject({ code: "DEVICE_REVOKED" });
        }
        expect(late).toEqual([]);
        await vi.waitUntil(() => guard.undrained.length === 0, SOON).catch(() => undefined);
        expect(guard.undrained.map(nameOf)).toEqual([]);
        await vi.waitUntil(() => acknowledged().includes("drained"), SOON);
        const told = acknowledged();
        // Where no gate is inside another one just then, nothing runs, and drained says it all.
        if (play.during.length > 0 || told.length > 1) expect(told).toEqual(["fenced", "drained"]);
        else expect(told).toEqual(["drained"]);
        await guard.close();
      },
    );

    test.skipIf(play.during.length === 0)(
      "ends with the denial, and what ignores its signal is not drained, by name",
      async () => {
        const performance = await perform(play, false);
        const { guard, late, acknowledged, letGo } = performance;
        expectDenial(performance);
        expect(late).toEqual([]);
        expect(acknowledged()).toEqual(["fenced"]);
        const named = guard.undrained.map(nameOf);
        expect(named).toEqual(expect.arrayContaining([...(play.names ?? play.during)]));
        letGo();
        await vi.waitUntil(() => acknowledged().includes("drained"), SOON);
        expect(guard.undrained).toEqual([]);
        expect(late).toEqual([]);
        await guard.close();
      },
    );
  });
}
