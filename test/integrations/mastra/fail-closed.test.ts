import { describeFailClosed } from "../shared/fail-closed-suite.ts";
import { doors } from "./doors.ts";
import { scenarios } from "./scenarios.ts";

describeFailClosed(doors, scenarios);
