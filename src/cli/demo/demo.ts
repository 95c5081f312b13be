import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printJson } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";
import { DemoAgent } from "./agent.ts";
import { startAuthority } from "./authority-process.ts";
import type { AuthorityProcess } from "./authority-process.ts";
import { assemble } from "./cast.ts";
import type { Cast } from "./cast.ts";
import { Moments } from "./moments.ts";
import { createScreen, silentScreen } from "./screen.ts";
import type { Screen } from "./screen.ts";
import { SideEffectFile } from "./side-effects.ts";
import { tellStory } from "./story.ts";
import type { Findings } from "./story.ts";

/** The demo takes a few seconds; a machine that needs longer than this is stuck. */
const DEADLINE_MS = 120_000;

export interface DemoOptions {
  /** Say nothing but the result, as one JSON object. */
  readonly json: boolean;
}

/** Shows agents that are stopped from outside. Ends by itself, and leaves nothing behind. */
export async function runDemo({ json }: DemoOptions): Promise<ExitCode> {
  const interrupted = stopSignal();
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signal = AbortSignal.any([interrupted, deadline]);
  const directory = mkdtempSync(join(tmpdir(), "machineid-demo-"));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", removeDirectory);
  let authority: AuthorityProcess | undefined;
  try {
    const screen = json ? silentScreen : createScreen();
    const [cast, started] = await Promise.all([
      assemble(),
      startAuthority(join(directory, "authority.db"), signal),
    ]);
    authority = started;
    const effects = new SideEffectFile(join(directory, "reports.txt"));
    return await perform({ cast, authority, effects, screen, signal, json });
  } catch (error) {
    if (interrupted.aborted) return EXIT.interrupted;
    if (deadline.aborted) {
      const message = `The demo did not come to its end within ${DEADLINE_MS / 1000} s`;
      throw new CommandError(message, { exitCode: EXIT.error, code: "DEMO_FAILED", cause: error });
    }
    throw error;
  } finally {
    await authority?.end();
    removeDirectory();
  }
}

interface Stage {
  readonly cast: Cast;
  readonly authority: AuthorityProcess;
  readonly effects: SideEffectFile;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly json: boolean;
}

async function perform(stage: Stage): Promise<ExitCode> {
  const { cast, authority, effects, screen, signal, json } = stage;
  const moments = new Moments(signal);
  let checks = 0;
  let stoppedAtMs: number | undefined;
  const [first, ...rest] = cast.members;
  const toAgent = ({ title, deviceId, performer }: Cast["members"][number]): DemoAgent =>
    new DemoAgent({
      title,
      deviceId,
      performer,
      authority,
      effects,
      signal,
      onStep: moments.changed,
      onEvent: (agent, event) => {
        if (event.type === "stop") stoppedAtMs = Date.now();
        if (event.type !== "check") return;
        checks += 1;
        screen.check(agent, event);
      },
    });
  const agents = [toAgent(first), ...rest.map(toAgent)] as const;

  screen.heading(authority.url, authority.pid);
  for (const { title, install } of cast.missing) {
    screen.say(`${title}: not installed, so left out (${install})`);
  }
  screen.columns(agents);
  const scene = { authority, agents, effects, moments, screen, signal };
  const findings = await tellStory({ ...scene, stoppedAtMs: () => stoppedAtMs });
  const problems = problemsOf(findings);
  if (json) {
    printJson({
      stoppedBy: findings.stoppedBy ?? null,
      sideEffectsAfterRevoke: findings.sideEffectsAfterRevoke,
      revokeToStopMs: findings.revokeToStopMs,
      checks,
      agents: [
        ...cast.members.map(({ framework, deviceId }, index) => ({
          framework,
          deviceId,
          sideEffects: effects.count(deviceId),
          revoked: index === 0,
        })),
        ...cast.missing.map(({ framework }) => ({ framework, notInstalled: true })),
      ],
      problems,
    });
  } else {
    print("");
    for (const problem of problems) print(paint(["bold", "red"], `LET THROUGH  ${problem}`));
    if (problems.length === 0) print(summaryOf(findings, checks));
  }
  return problems.length === 0 ? EXIT.ok : EXIT.error;
}

/** What ought not to have happened. */
export function problemsOf(findings: Findings): readonly string[] {
  const { stoppedBy, sideEffectsAfterRevoke } = findings;
  const isLetThrough = sideEffectsAfterRevoke > 0;
  return [
    ...(isLetThrough ? [`${sideEffectsAfterRevoke} side effects after the revoke`] : []),
    ...(stoppedBy === "DEVICE_REVOKED"
      ? []
      : [`the revoked agent was stopped by ${stoppedBy ?? "nothing"}`]),
    ...(findings.othersWentOn ? [] : ["another agent than the revoked one was stopped"]),
    ...(findings.stayedStopped ? [] : ["the stopped run did not stay stopped"]),
    ...(findings.newRunWorked ? [] : ["a new run after the restore did not work"]),
  ];
}

function summaryOf({ revokeToStopMs }: Findings, checks: number): string {
  return [
    paint(["bold", "green"], "Stopped: 0 side effects after the revoke."),
    `${checks} checks. The agent was stopped ${revokeToStopMs} ms after the revoke was answered,`,
    "the others never noticed, and only a new run brought it back.",
    "",
    "Next: machineid serve runs an authority of your own.",
  ].join("\n");
}
