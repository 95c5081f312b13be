import type { Door } from "../integrations/shared/door.ts";

const BARE = "the refusal itself";
const SUITE = "fail-closed.test.ts";
const UNAWAITED = "unawaited.test.ts";

/** Ways into guarded work in plain code. */
export const doors: readonly Door[] = [
  { door: "the body", entry: "guard.protect()", closed: true, surfaces: BARE, triedIn: SUITE },
  { door: "the body", entry: "run.protect()", closed: true, surfaces: BARE, triedIn: SUITE },
  {
    door: "the function",
    entry: "guardFunction",
    closed: true,
    surfaces: BARE,
    triedIn: "guard-function.test.ts",
  },
  {
    door: "what comes after the check",
    entry: "await run.check()",
    closed: true,
    surfaces: BARE,
    triedIn: SUITE,
  },
  {
    door: "the body of a generator",
    entry: "guardFunction",
    closed: true,
    surfaces: "InvalidArgumentError",
    note: "a generator's body does not begin with the call that asks, so it is refused",
    triedIn: "guard-function.test.ts",
  },
  {
    door: "what comes right after a check that nobody awaits",
    entry: "run.check()",
    closed: false,
    surfaces: "UNAWAITED_CHECK: a loud warning, and the run is stopped",
    note: "the check is told too late that nobody waited; one with only catch or finally counts as not awaited too. Use protect",
    triedIn: UNAWAITED,
  },
  {
    door: "what comes after an async function of yours that awaits the check, but is not awaited itself",
    entry: "run.check()",
    closed: false,
    surfaces: "not seen",
    note: "the check was awaited; what became of the function's own promise nobody can know. Use protect",
    triedIn: UNAWAITED,
  },
  {
    door: "what comes after a denial that your own code caught, or that one of Promise.allSettled hides",
    entry: "run.check()",
    closed: false,
    surfaces: "not seen, but the next check of the run throws the same denial",
    note: "an if is as good as an await, and nobody can tell. Use protect",
    triedIn: "latch.test.ts",
  },
  {
    door: "the original of a guarded function",
    entry: "guardFunction",
    closed: false,
    surfaces: "not asked",
    note: "whoever holds it can call it; hand out the guarded one",
    triedIn: "guard-function.test.ts",
  },
];
