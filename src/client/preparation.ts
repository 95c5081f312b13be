import type { OrgOperation } from "../wire/index.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Answer } from "./exchange.ts";
import type { Features } from "./features.ts";

type Body = Readonly<Record<string, unknown>> | undefined;

/** A field that an authority might pass over, or the version that a restore should name. */
export type PreparedField = "dry_run" | "owner" | "if_version";

/** Operations that let work begin again. */
const RESTORES: ReadonlySet<OrgOperation> = new Set(["unrevoke", "unrevokeBatch", "resumeOrg"]);

/** What has to be found out before an operation is asked for. */
export function fieldToPrepare(operation: OrgOperation, body: Body): PreparedField | undefined {
  if (body?.["dry_run"] === true) return "dry_run";
  if (operation === "register" && body?.["owner"] !== undefined) return "owner";
  const isBareRestore = RESTORES.has(operation) && body?.["if_version"] === undefined;
  return isBareRestore ? "if_version" : undefined;
}

/** Asks for operations once it is known how; what finds that out is loaded with the first. */
export class Preparer {
  #features: Features | undefined;

  /** @throws {@link InvalidArgumentError} `OPTION_INVALID` for what this authority cannot do */
  async request(
    field: PreparedField,
    operation: OrgOperation,
    body: Body,
    ask: (operation: OrgOperation, body?: Body) => Promise<Answer>,
  ): Promise<Answer> {
    const { Features } = await import("./features.ts");
    this.#features ??= new Features();
    const found = await this.#features.prepare(field, body, ask);
    if ("problem" in found) throw new InvalidArgumentError("OPTION_INVALID", found.problem);
    return "answer" in found ? found.answer : ask(operation, found.body);
  }
}
