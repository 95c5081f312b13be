import fc from "fast-check";
import { addClient } from "./guards.ts";
import { MOVES } from "./moves.ts";
import type { MoveName } from "./moves.ts";
import { addReplica } from "./replicas.ts";
import type { Rule } from "./rules.ts";
import { World } from "./world.ts";
import type { Device, Violation } from "./world.ts";

/** Where schedules are explored: who there is, and what is likely to happen. */
export interface Environment {
  /** How fast each replica's clock runs. @default one, exactly right */
  readonly replicas?: readonly number[];
  /** @default one, exactly right, with device `a` */
  readonly clients?: readonly { readonly rate: number; readonly devices: readonly Device[] }[];
  /** How likely each kind of move is; what is not named does not happen. */
  readonly moves: Readonly<Partial<Record<MoveName, number>>>;
  /** What happens first, by name; `name:2` is the third of the moves of that name. */
  readonly opening?: readonly string[];
  /** Moves in a schedule, after the opening. @default 60 */
  readonly length?: number;
}

export interface Outcome {
  readonly violations: ReadonlySet<Violation>;
  readonly bodies: number;
  readonly fenced: number;
}

/** A schedule is a list of numbers: each picks a kind of move, and one of that kind. */
export function run(
  environment: Environment,
  off: Rule | undefined,
  schedule: readonly number[],
): Outcome {
  const world = new World(off);
  for (const rate of environment.replicas ?? [1]) addReplica(world, rate, true);
  const clients = environment.clients ?? [{ rate: 1, devices: ["a"] }];
  for (const { rate, devices } of clients) {
    const client = addClient(world, rate, devices);
    const [replica] = world.replicas;
    client.replica = replica;
    replica?.sessions.set(client.session, client);
  }
  for (const step of environment.opening ?? []) {
    const [name = "", place = "0"] = step.split(":");
    world.step += 1;
    // Where a rule forbids a step of the opening, the schedule goes on without it.
    MOVES[name as MoveName](world)[Number(place)]?.();
  }
  const names = Object.entries(environment.moves) as [MoveName, number][];
  const drawn = names.flatMap(([name, weight]) => Array<MoveName>(weight).fill(name));
  for (const choice of schedule) {
    world.step += 1;
    // Where nothing of the drawn kind can happen, the next kind that can is taken.
    for (let next = 0; next < names.length; next += 1) {
      const place = (choice + next * 7) % drawn.length;
      const moves = MOVES[drawn[place] ?? "advance"](world);
      if (moves.length === 0) continue;
      moves[Math.floor(choice / drawn.length) % moves.length]?.();
      break;
    }
  }
  return { violations: world.violations, bodies: world.bodies, fenced: world.fenced.size };
}

export const schedules = ({ length = 60 }: Environment): fc.Arbitrary<number[]> =>
  fc.array(fc.noBias(fc.nat()), { minLength: length, maxLength: length });
