import type { Guard } from "../../../src/index.ts";

/** What a scenario works with. `enter` is called first thing in every guarded body. */
export interface World {
  readonly guard: Guard;
  readonly signal: AbortSignal | undefined;
  enter(body: string): void | Promise<void>;
}

/** Does guarded work to its end; resolves with what came out of it. */
export type Scenario = (world: World) => Promise<unknown>;
