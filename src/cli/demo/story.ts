import type { ExecutionStoppedError } from "../../index.ts";
import { paint } from "../output.ts";
import type { DemoAgent, RunEnd } from "./agent.ts";
import { runElsewhere } from "./authority-process.ts";
import type { AuthorityProcess } from "./authority-process.ts";
import type { Moments } from "./moments.ts";
import type { Screen } from "./screen.ts";
import type { SideEffectFile } from "./side-effects.ts";

/** Steps that every agent takes in each act of the story. */
const STEPS_PER_ACT = 4;
/** Steps after which an agent that ought to have stopped counts as let through. */
const STEPS_TO_GIVE_UP = 20;

export interface Scene {
  readonly authority: AuthorityProcess;
  /** The first is the one that is revoked. */
  readonly agents: readonly [DemoAgent, ...DemoAgent[]];
  readonly effects: SideEffectFile;
  readonly moments: Moments;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** When a guard stopped a run last, in milliseconds since the epoch. */
  readonly stoppedAtMs: () => number | undefined;
}

/** What the story found out. */
export interface Findings {
  /** The code under which the revoked agent stopped; undefined when it did not. */
  readonly stoppedBy: string | undefined;
  readonly sideEffectsAfterRevoke: number;
  /** From the answer to the revoke until the agent was stopped; 0 when it was sooner. */
  readonly revokeToStopMs: number;
  /** The other agents went on after the revoke, and came to their own end. */
  readonly othersWentOn: boolean;
  /** Nothing of the stopped run began again when the device was restored. */
  readonly stayedStopped: boolean;
  /** A new run after the restore did its work. */
  readonly newRunWorked: boolean;
}

/** Revokes one of the agents in mid-run, from outside, and looks at what becomes of all. */
export async function tellStory(scene: Scene): Promise<Findings> {
  const { authority, agents, effects, moments, screen, signal } = scene;
  const [revoked, ...others] = agents;
  const run = moments.watch(revoked.run());
  const theirRuns = others.map((agent) => moments.watch(agent.run()));
  const theirSteps = (): Promise<void> => allTake(others, STEPS_PER_ACT, moments);

  await allTake(agents, STEPS_PER_ACT, moments);

  screen.say(paint("bold", `$ machineid revoke ${revoked.deviceId}   (another process)`));
  const { answeredAtMs } = await runElsewhere(["revoke", revoked.deviceId], authority, signal);
  screen.say("revoked: the authority has answered");
  const stop = await stopOf(revoked, run, moments);
  if (stop !== undefined) screen.stopped(revoked, stop);
  await theirSteps();
  const countAfterRevoke = (): number => effects.countCheckedAfter(revoked.deviceId, answeredAtMs);
  const afterRevoke = countAfterRevoke();
  screen.say(
    `${afterRevoke} side effects of ${revoked.deviceId} after the revoke; the others work on`,
  );

  screen.say(paint("bold", `$ machineid unrevoke ${revoked.deviceId}   (another process)`));
  await runElsewhere(["unrevoke", revoked.deviceId], authority, signal);
  await theirSteps();
  const stayedStopped = stop !== undefined && countAfterRevoke() === afterRevoke;
  screen.say(
    stayedStopped
      ? "restored, and still the stopped run stays stopped: only a new run may begin"
      : "the stopped run began again by itself",
  );

  screen.say(paint("bold", `a new run of ${revoked.title}`));
  const newRun = stop === undefined ? undefined : await moments.watch(revoked.run(STEPS_PER_ACT));
  for (const agent of agents) agent.finish();
  const ends = await Promise.all(theirRuns);
  return {
    stoppedBy: stop?.code,
    sideEffectsAfterRevoke: afterRevoke,
    revokeToStopMs: Math.max(0, (scene.stoppedAtMs() ?? answeredAtMs) - answeredAtMs),
    othersWentOn: ends.every((end) => end === "finished"),
    stayedStopped,
    newRunWorked: newRun === "finished",
  };
}

/** Resolves when each of the agents has taken so many more steps. */
async function allTake(
  agents: readonly DemoAgent[],
  steps: number,
  moments: Moments,
): Promise<void> {
  const goals = agents.map((agent) => ({ agent, goal: agent.steps + steps }));
  await moments.until(() => goals.every(({ agent, goal }) => agent.steps >= goal));
}

/** The refusal that ended a run; undefined when it goes on and on. */
async function stopOf(
  agent: DemoAgent,
  run: Promise<RunEnd>,
  moments: Moments,
): Promise<ExecutionStoppedError | undefined> {
  const letThrough = allTake([agent], STEPS_TO_GIVE_UP, moments).then(() => undefined);
  const end = await Promise.race([run, letThrough]);
  return end === "finished" ? undefined : end;
}
