import type { Ways } from "./gates.ts";
import { middlewareWays, wholeAgentWays } from "./ways-agent.ts";
import { graphWaysByDoor } from "./ways-graph.ts";
import { handlerWays } from "./ways-handler.ts";
import { modelWays } from "./ways-model.ts";
import { runnableWays } from "./ways-runnable.ts";
import { toolWays } from "./ways-tool.ts";

/** Every way in that the suites go through. */
export const ways: Ways = {
  ...handlerWays,
  ...toolWays,
  ...modelWays,
  ...middlewareWays,
  ...graphWaysByDoor,
  guardRunnable: { ...runnableWays["guardRunnable"], ...wholeAgentWays },
};
