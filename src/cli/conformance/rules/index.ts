import type { Rule } from "../rule.ts";
import { answerRules } from "./answers.ts";
import { changeRules } from "./changes.ts";
import { controlRules } from "./control.ts";
import { decisionRules } from "./decisions.ts";
import { extensionRules } from "./extensions.ts";
import { inputRules } from "./input.ts";
import { keyRules } from "./keys.ts";
import { readingRules } from "./reading.ts";
import { registrationRules } from "./registration.ts";
import { stopRules } from "./stops.ts";

/** Every rule, in the order in which they are looked at. */
export const RULES: readonly Rule[] = [
  ...registrationRules,
  ...decisionRules,
  ...changeRules,
  ...readingRules,
  ...keyRules,
  ...answerRules,
  ...inputRules,
  ...extensionRules,
  ...controlRules,
  ...stopRules,
];
