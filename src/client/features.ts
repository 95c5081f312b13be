import type { OrgOperation } from "../wire/index.ts";
import type { InvalidArgumentError } from "./errors.ts";
import type { Answer } from "./exchange.ts";
import type { PreparedField } from "./preparation.ts";

type Body = Readonly<Record<string, unknown>> | undefined;

/** What an authority which does not know it would pass over, and the feature that says it does. */
const FEATURES = {
  dry_run: "batch_patterns",
  owner: "device_owners",
  if_version: "if_version",
} as const;

/** What an authority can do, asked once. */
export class Features {
  readonly #InvalidArgumentError: typeof InvalidArgumentError;
  #names: readonly unknown[] | undefined;

  /** @param loaded the class of this name, which whoever loads this has loaded already */
  constructor(loaded: typeof InvalidArgumentError) {
    this.#InvalidArgumentError = loaded;
  }

  /**
   * Asks for an operation with a field that must not be passed over, or for a
   * restore: one that is delayed must not undo a stop that came after it was asked for.
   *
   * @throws InvalidArgumentError `OPTION_INVALID` for what this authority cannot do
   */
  async request(
    field: PreparedField,
    operation: OrgOperation,
    body: Body,
    ask: (operation: OrgOperation, body?: Body) => Promise<Answer>,
  ): Promise<Answer> {
    const names = this.#names ?? (await namesOf(ask));
    if (!Array.isArray(names)) return names as Answer;
    this.#names = names;
    const isKnown = names.includes(FEATURES[field]);
    if (field !== "if_version") {
      if (isKnown) return ask(operation, body);
      throw new this.#InvalidArgumentError(
        "OPTION_INVALID",
        `This authority would pass over ${field}: it lacks the feature ${FEATURES[field]}`,
      );
    }
    if (!isKnown) return ask(operation, body);
    const answer = await ask("readOrg");
    const version = own(answer.body, "version");
    if (!isSuccess(answer) || typeof version !== "number") return answer;
    return ask(operation, { ...body, if_version: version });
  }
}

/** The names of features; none from a service that has no `meta`; or the answer that names none. */
async function namesOf(
  ask: (operation: OrgOperation) => Promise<Answer>,
): Promise<readonly unknown[] | Answer> {
  try {
    const meta = await ask("meta");
    if (meta.status === 404) return [];
    if (!isSuccess(meta)) return meta;
    const features = own(meta.body, "features");
    return Array.isArray(features) ? features : [];
  } catch (error) {
    // It may say so in no JSON.
    if (Reflect.get(Object(error), "status") === 404) return [];
    throw error;
  }
}

/** A field of an answer; nothing that was put on a prototype is part of one. */
const own = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null && Object.hasOwn(body, name)
    ? Reflect.get(body, name)
    : undefined;

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;
