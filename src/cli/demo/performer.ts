import type { Guard } from "../../index.ts";

/** The work of one run, as a performer sees it. */
export interface Assignment {
  /** Whether there is another step to take. */
  hasMore(): boolean;
  /** Takes one step, which leaves a line in a file. Call it behind a gate only. */
  act(): Promise<void>;
  /** Ends the work, whatever it is at. */
  readonly signal: AbortSignal;
}

/** Carries an assignment out in one guarded run. Rejects when it is stopped. */
export type Perform = (assignment: Assignment) => Promise<void>;

/** Builds a performer around a guard. */
export type Performer = (guard: Guard) => Perform;

/** The tool that every agent of the demo has. */
export const TOOL_NAME = "send_report";
