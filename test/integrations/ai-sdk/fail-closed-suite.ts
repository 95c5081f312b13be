import { describe, expect, test } from "vitest";
import { createGuard, findExecutionStopped } from "../../../src/index.ts";
import type { GuardEvent } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { Mode } from "../../support/scripted-authority.ts";
import type { Case } from "./case.ts";
import { cases } from "./cases.ts";
import { VARIANTS } from "./sample-calls.ts";
import type { Variant } from "./sample-calls.ts";
import type { Sdk } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

const ENOUGH_MS = 10_000;
/** Deadline of a check that nobody answers. */
const HANG_MS = 200;

interface Story {
  /** Names of what was allowed. */
  readonly allowed: readonly string[];
  /** What happened, in order: bodies entered, and "stop". */
  readonly log: readonly string[];
  readonly surfaces: readonly (readonly [string, unknown])[];
  readonly validations: number;
}

interface Plot {
  /** At which validation the authority changes, from 1. */
  readonly at?: number;
  /** While which body runs the authority changes. */
  readonly whileIn?: string;
  readonly to?: Mode;
  readonly isAborted?: boolean;
}

async function play(sdk: Sdk, { run }: Case, variant: Variant, plot: Plot): Promise<Story> {
  await using authority = await startScriptedAuthority();
  const { at, whileIn, to = "allow" } = plot;
  authority.onValidation = (count) => (count === at ? authority.become(to) : undefined);
  const log: string[] = [];
  const allowed: string[] = [];
  const guard = createGuard(authority.client(), {
    deviceId: "agent-01",
    checkTimeoutMs: to === "hang" ? HANG_MS : ENOUGH_MS,
    onEvent: (event: GuardEvent) => {
      if (event.type === "stop") log.push("stop");
      if (event.type === "check" && event.outcome === "allowed") {
        allowed.push(event.boundary.name ?? event.boundary.kind);
      }
    },
  });
  const enter = async (body: string): Promise<void> => {
    log.push(body);
    if (body === whileIn) await authority.become(to);
  };
  const aborted = plot.isAborted === true ? { abortSignal: AbortSignal.abort() } : {};
  const surfaces = await run({ sdk, guard, enter, variant, ...aborted });
  return { log, allowed, surfaces: Object.entries(surfaces), validations: authority.validations };
}

/** The bodies that were entered; one that is entered for each part counts once. */
function bodies({ log }: Story): string[] {
  return log
    .filter((body) => !body.includes("second part"))
    .map((body) => body.split(",")[0] ?? "");
}

/** What is wrong with a story in which work was refused. */
function faults({ log, surfaces }: Story): string[] {
  const stop = log.indexOf("stop");
  if (stop === -1) return ["nothing was refused"];
  const begun = log.slice(stop).filter((entry) => entry !== "stop");
  const silent = surfaces.filter(([, error]) => findExecutionStopped(error) === undefined);
  return [
    ...begun.map((body) => `${body} began after the refusal`),
    ...silent.map(([place, error]) => `${place} hides the refusal: ${String(error)}`),
    ...(surfaces.length === 0 ? ["the refusal surfaces nowhere"] : []),
  ];
}

/** Ways to refuse, and whether the client asks again before it gives up, which takes its time. */
const REFUSALS = [
  { to: "revoked", isRetried: false },
  { to: "nonsense", isRetried: false },
  { to: "down", isRetried: true },
  { to: "error", isRetried: true },
] as const;

/** Goes through every gated door of one version, in every way in which work can be refused. */
export function describeFailClosed(sdk: Sdk): void {
  for (const each of cases.filter(({ versions }) => versions.includes(sdk.version))) {
    describe.concurrent(`ai ${sdk.version}, ${each.door}, ${each.entry}`, () => {
      for (const variant of each.loops ? VARIANTS : VARIANTS.slice(0, 3)) {
        test(`${variant}: allowed, every body that runs was asked for, once`, async () => {
          const story = await play(sdk, each, variant, {});
          expect(story.log.length).toBeGreaterThan(0);
          expect(story.log).not.toContain("stop");
          expect(story.allowed.toSorted()).toEqual(bodies(story).toSorted());
          expect(story.surfaces.filter(([, error]) => error !== undefined)).toEqual([]);
        });

        for (const { to, isRetried } of REFUSALS) {
          test(`${variant}: ${to} from any check on, nothing more begins`, async () => {
            const { validations } = await play(sdk, each, variant, {});
            expect(validations).toBeGreaterThan(0);
            // The first, the last and, where it is quick, each between.
            const step = isRetried ? Math.max(1, validations - 1) : 1;
            for (let at = 1; at <= validations; at += step) {
              expect(faults(await play(sdk, each, variant, { at, to }))).toEqual([]);
            }
          });
        }

        test(`${variant}: revoked while a body runs, nothing more begins`, async () => {
          const { log } = await play(sdk, each, variant, {});
          // What runs at the same time was allowed with it; the next model call is asked for later.
          const beforeAModel = log.slice(
            0,
            log.findLastIndex((body) => body.endsWith("model")),
          );
          for (const whileIn of each.loops ? new Set(beforeAModel) : []) {
            expect(faults(await play(sdk, each, variant, { whileIn, to: "revoked" }))).toEqual([]);
          }
        });

        test(`${variant}: aborted beforehand, nothing begins`, async () => {
          const { log, surfaces } = await play(sdk, each, variant, { isAborted: true });
          expect(log).toEqual([]);
          expect(surfaces.length).toBeGreaterThan(0);
        });
      }

      test("no answer: nothing begins", async () => {
        const { validations } = await play(sdk, each, "plain", {});
        for (const at of new Set([1, validations])) {
          expect(faults(await play(sdk, each, "plain", { at, to: "hang" }))).toEqual([]);
        }
      });
    });
  }
}
