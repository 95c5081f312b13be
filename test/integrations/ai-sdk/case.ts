import type { Version } from "./fake-models.ts";
import type { World } from "./sample-calls.ts";
import type { Surfaces } from "./surfaces.ts";

/** How the suite goes through a door. */
export interface Case {
  readonly door: string;
  readonly entry: string;
  readonly versions: readonly Version[];
  /** Whether the gates share a run, so that nothing at all begins after a refusal. */
  readonly loops: boolean;
  readonly run: (world: World) => Promise<Surfaces>;
}
