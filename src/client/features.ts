import type { Operation } from "../wire/index.ts";
import { InvalidArgumentError, RequestError } from "./errors.ts";
import type { Answer } from "./exchange.ts";

type Body = Readonly<Record<string, unknown>> | undefined;

/** Operations that let work begin again. */
const RESTORES: ReadonlySet<Operation> = new Set(["unrevoke", "unrevokeBatch", "resumeOrg"]);

/** Fields that an authority which does not know them would pass over, and the feature that says it does. */
const FIELDS = { dry_run: "batch_patterns", owner: "device_owners" } as const;

/** What must be asked for before an operation is. */
export type Preparation =
  | { readonly kind: "none" }
  /** A field that must not be passed over. */
  | { readonly kind: "feature"; readonly field: keyof typeof FIELDS }
  /** The version of the change log: a restore that is delayed does not undo a stop that came after it was asked for. */
  | { readonly kind: "version" };

/** What an operation needs to be asked for first. */
export function preparationFor(operation: Operation, body: Body): Preparation {
  if (body?.["dry_run"] === true) return { kind: "feature", field: "dry_run" };
  if (operation === "register" && body?.["owner"] !== undefined) {
    return { kind: "feature", field: "owner" };
  }
  const isBareRestore = RESTORES.has(operation) && body?.["if_version"] === undefined;
  return { kind: isBareRestore ? "version" : "none" };
}

/** What an authority can do, asked once. */
export class Features {
  #names: readonly unknown[] | undefined;

  /**
   * The body to send, or the answer that kept it from being found out.
   *
   * @throws InvalidArgumentError `OPTION_INVALID` for what this authority cannot do
   */
  async prepare(
    preparation: Exclude<Preparation, { kind: "none" }>,
    body: Body,
    ask: (operation: Operation) => Promise<Answer>,
  ): Promise<{ readonly body: Body } | { readonly answer: Answer }> {
    const names = this.#names ?? (await namesOf(ask));
    if (!Array.isArray(names)) return { answer: names as Answer };
    this.#names = names;
    if (preparation.kind === "feature") {
      const { field } = preparation;
      if (names.includes(FIELDS[field])) return { body };
      throw new InvalidArgumentError(
        "OPTION_INVALID",
        `This authority would pass over ${field}: it lacks the feature ${FIELDS[field]}`,
      );
    }
    if (!names.includes("if_version")) return { body };
    const answer = await ask("readOrg");
    const version = own(answer.body, "version");
    if (!isSuccess(answer) || typeof version !== "number") return { answer };
    return { body: { ...body, if_version: version } };
  }
}

/** The names of features; none from a service that has no `meta`; or the answer that names none. */
async function namesOf(
  ask: (operation: Operation) => Promise<Answer>,
): Promise<readonly unknown[] | Answer> {
  try {
    const meta = await ask("meta");
    if (meta.status === 404) return [];
    if (!isSuccess(meta)) return meta;
    const features = own(meta.body, "features");
    return Array.isArray(features) ? features : [];
  } catch (error) {
    // It may say so in no JSON.
    if (RequestError.isInstance(error) && error.status === 404) return [];
    throw error;
  }
}

/** A field of an answer; nothing that was put on a prototype is part of one. */
const own = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null && Object.hasOwn(body, name)
    ? Reflect.get(body, name)
    : undefined;

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;
