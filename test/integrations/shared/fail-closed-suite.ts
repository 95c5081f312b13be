import { describe, expect, test } from "vitest";
import {
  createGuard,
  ExecutionStoppedError,
  findExecutionStopped,
  MachineID,
} from "../../../src/index.ts";
import { startTcpServer } from "../../support/http-server.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { Mode, ScriptedAuthority } from "../../support/scripted-authority.ts";
import type { Door } from "./door.ts";
import type { Scenario } from "./world.ts";

/** What came of a scenario. */
interface Outcome {
  readonly value: unknown;
  readonly error: unknown;
  /** Bodies that were entered, in order. */
  readonly entered: readonly string[];
  /** Bodies that were entered after the authority stopped allowing. */
  readonly afterStop: readonly string[];
}

interface Disturbance {
  /** The number of the validation that is not allowed any more, from 1. */
  readonly atValidation?: number;
  /** The number of the body in which the authority stops allowing, from 1. */
  readonly inBody?: number;
  readonly mode?: Mode;
  readonly signal?: AbortSignal;
  readonly checkTimeoutMs?: number;
}

type Authority = Pick<ScriptedAuthority, "become" | "client" | "validations" | "onValidation">;

async function attempt(
  authority: Authority,
  scenario: Scenario,
  { atValidation, inBody, mode = "revoked", signal, checkTimeoutMs }: Disturbance = {},
): Promise<Outcome> {
  const entered: string[] = [];
  const afterStop: string[] = [];
  let hasStopped = false;
  const stop = async (): Promise<void> => {
    hasStopped = true;
    await authority.become(mode);
  };
  const before = authority.validations;
  authority.onValidation = (count) =>
    count - before === atValidation && !hasStopped ? stop() : undefined;
  const guard = createGuard(authority.client(), {
    deviceId: "agent-01",
    register: false,
    checkTimeoutMs,
  });
  const enter = async (body: string): Promise<void> => {
    entered.push(body);
    if (hasStopped) afterStop.push(body);
    else if (entered.length === inBody) await stop();
  };
  const settled = await scenario({ guard, signal, enter }).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  return { ...settled, entered, afterStop };
}

/** Goes through every closed door that has a scenario of its name, in every way in which work can be refused. */
export function describeFailClosed(
  doors: readonly Door[],
  scenarios: Readonly<Record<string, Scenario>>,
): void {
  const closed = doors.filter((each) => each.closed && Object.hasOwn(scenarios, each.entry));

  test("every closed door is tried, here or where it says, and every scenario is a door", () => {
    const untried = doors.filter(({ closed, triedIn }) => closed && triedIn === undefined);
    expect(untried.map(({ entry }) => entry).toSorted()).toEqual(Object.keys(scenarios).toSorted());
  });

  describe.each(closed)("$door through $entry", (each) => {
    const { entry, surfaces, missesAbort, bodies = ["model", "search"] } = each;
    const scenario = scenarios[entry] ?? (() => Promise.reject(new Error("no scenario")));

    const expectRefusal = (error: unknown, code?: string): void => {
      const refusal = findExecutionStopped(error);
      expect(refusal).toMatchObject({
        deviceId: "agent-01",
        ...(code === undefined ? {} : { code }),
      });
      if (surfaces === "the refusal itself")
        expect(ExecutionStoppedError.isInstance(error)).toBe(true);
    };

    test("does its work when it is allowed", async () => {
      await using authority = await startScriptedAuthority();
      const { value, error, entered } = await attempt(authority, scenario);
      expect(error).toBeUndefined();
      expect(value).toBe("done");
      expect(new Set(entered)).toEqual(new Set(bodies));
    });

    test.each<Mode>(["revoked", "hang", "nonsense", "error"])(
      "begins nothing when the authority is %s",
      async (mode) => {
        await using authority = await startScriptedAuthority(mode);
        const { error, entered } = await attempt(authority, scenario, { checkTimeoutMs: 100 });
        expect(entered).toEqual([]);
        expectRefusal(error);
      },
    );

    test("begins nothing when no authority can be reached", async () => {
      // A port that stays taken, so that no other server of these tests can get it.
      await using server = await startTcpServer((socket) => socket.resetAndDestroy());
      const client = new MachineID({ orgKey: "org_scripted", baseUrl: server.url });
      const { error, entered } = await attempt(
        {
          client: () => client,
          become: async () => undefined,
          validations: 0,
          onValidation: undefined,
        },
        scenario,
        { checkTimeoutMs: 100 },
      );
      expect(entered).toEqual([]);
      expectRefusal(error);
    });

    test("begins nothing after any check that was refused", async () => {
      await using authority = await startScriptedAuthority();
      await attempt(authority, scenario);
      const checks = authority.validations;
      expect(checks).toBeGreaterThan(0);
      for (let atValidation = 1; atValidation <= checks; atValidation += 1) {
        await authority.become("allow");
        const { error, afterStop } = await attempt(authority, scenario, { atValidation });
        expect({ atValidation, afterStop }).toEqual({ atValidation, afterStop: [] });
        expectRefusal(error, "DEVICE_REVOKED");
      }
    });

    test("begins nothing after the body in which the device was revoked", async () => {
      await using authority = await startScriptedAuthority();
      const { entered } = await attempt(authority, scenario);
      for (let inBody = 1; inBody < entered.length; inBody += 1) {
        await authority.become("allow");
        const { error, afterStop } = await attempt(authority, scenario, { inBody });
        expect({ inBody, afterStop }).toEqual({ inBody, afterStop: [] });
        expectRefusal(error, "DEVICE_REVOKED");
      }
    });

    test.skipIf(missesAbort === true)(
      "begins nothing when its signal was aborted beforehand",
      async () => {
        await using authority = await startScriptedAuthority();
        const signal = AbortSignal.abort(new Error("enough"));
        const { entered } = await attempt(authority, scenario, { signal });
        expect(entered).toEqual([]);
        expect(authority.validations).toBe(0);
      },
    );
  });
}
