import type { BaseLanguageModel } from "@langchain/core/language_models/base";
import type { Guard } from "../../src/index.ts";
import { gateModel } from "./gate-model.ts";
import { gateRunnable } from "./guard-runnable.ts";

/**
 * Gates a chat model or LLM where it calls its provider, so that every way of
 * calling the model passes the gate, its own `streamEvents` and answers from a
 * cache included. What is derived from it (`bindTools`, `withStructuredOutput`,
 * `withConfig`) is gated too. The model itself is left as it was. Guarding twice
 * is the same as guarding once.
 *
 * A call belongs to the run found in its config, or is a run of its own.
 *
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 */
export function guardModel<M extends BaseLanguageModel>(guard: Guard, model: M): M {
  return gateModel(guard, model, (derived) => gateRunnable(guard, derived, "model"));
}
