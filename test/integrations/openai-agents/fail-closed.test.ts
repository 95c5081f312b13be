import { setTracingDisabled } from "@openai/agents";
import { beforeAll } from "vitest";
import { describeFailClosed } from "../shared/fail-closed-suite.ts";
import { doors } from "./doors.ts";
import { scenarios } from "./scenarios.ts";

beforeAll(() => setTracingDisabled(true));

describeFailClosed(doors, scenarios);
