import { DECISION_CODES, FAILURE_CODES, ROUTES } from "../../wire/index.ts";
import type { DecisionCode, FailureCode } from "../../wire/index.ts";
import type { RegistrationDecision } from "../decide.ts";
import { Distribution, SECONDS } from "./distribution.ts";

/** Answers of one route with one status, and how long they took. */
export interface RequestSeries {
  readonly method: string;
  /** The path as the router knows it; `unmatched` for any other. */
  readonly route: string;
  readonly status: number;
  readonly seconds: Distribution;
}

const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;

/** What an authority counts of its own work. Counting is adding to a number, nothing more. */
export class Metrics {
  /** Decisions of `validate` that were answered, by code. */
  readonly decisions: Record<DecisionCode, number> = zeros(DECISION_CODES);
  /** Requests that were not decided at all, by code. */
  readonly failures: Record<FailureCode, number> = zeros(FAILURE_CODES);
  readonly registrations: Record<RegistrationDecision["outcome"], number> = zeros([
    "created",
    "exists",
    "blocked",
  ]);
  /** Event streams that were ended because nobody read them. */
  eventStreamsCutOff = 0;
  /** Lease channels that were ended because nobody read them. */
  leaseChannelsCutOff = 0;
  readonly #requests = new Map<string, RequestSeries>();
  readonly #decided = this.#series(ROUTES.validate.method, ROUTES.validate.path, 200).seconds;

  /** A decision was given, or what takes its place. */
  decided(code: string): void {
    if (Object.hasOwn(this.decisions, code)) this.decisions[code as DecisionCode] += 1;
  }

  /** A decision was answered without the router. */
  answeredDecision(seconds: number): void {
    this.#decided.observe(seconds);
  }

  /** A request was answered. */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#series(method, route, status).seconds.observe(seconds);
  }

  get requests(): Iterable<RequestSeries> {
    return this.#requests.values();
  }

  #series(method: string, route: string, status: number): RequestSeries {
    const name = `${status} ${method} ${route}`;
    const known = this.#requests.get(name);
    if (known !== undefined) return known;
    const series = { method, route, status, seconds: new Distribution(SECONDS) };
    this.#requests.set(name, series);
    return series;
  }
}
