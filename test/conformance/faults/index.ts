import type { Fault } from "../faulty-authority.ts";
import { ANSWER_FAULTS } from "./answer-faults.ts";
import { CHANGE_FAULTS } from "./change-faults.ts";
import { CONTROL_FAULTS } from "./control-faults.ts";
import { DECISION_FAULTS } from "./decision-faults.ts";

/** For each rule of the contract, an authority that breaks it, and no other. */
export const FAULTS: Readonly<Record<string, () => Fault>> = {
  ...DECISION_FAULTS,
  ...CHANGE_FAULTS,
  ...ANSWER_FAULTS,
  ...CONTROL_FAULTS,
};
