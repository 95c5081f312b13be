import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { guardQuery } from "../../../integrations/claude-agent/index.ts";
import { describeStops } from "../shared/stop-suite.ts";
import type { Stage } from "../shared/stop-suite.ts";

type Call = { readonly prompt: string; readonly options?: Options };

/** A query as the SDK makes it, whose process goes on when the stop comes. */
const claude =
  (stage: Stage) =>
  ({ options }: Call) => {
    async function* messages(): AsyncGenerator<string, void> {
      yield "half";
      await stage.goOn("process", options?.abortController?.signal);
      yield "rest";
    }
    return Object.assign(messages(), { close: () => undefined });
  };

describeStops({
  "Claude Code works": {
    during: ["process"],
    names: ["run"],
    run: async (stage) => {
      for await (const _ of guardQuery(stage.guard, claude(stage))({ prompt: "go" }));
    },
  },
});
