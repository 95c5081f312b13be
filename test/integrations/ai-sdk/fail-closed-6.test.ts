import { describeFailClosed } from "./fail-closed-suite.ts";
import { sdkOf } from "./versions.ts";

describeFailClosed(sdkOf(6));
