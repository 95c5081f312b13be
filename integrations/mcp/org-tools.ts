import type { RegisteredTool } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";
import { perform } from "./authority.ts";
import { pendingShape, restore, restoreAnswer } from "./restore.ts";
import { addTool, reasonSchema } from "./tool.ts";
import type { ToolContext } from "./tool.ts";

/** What an authority calls the extension that these tools need. */
export const ORG_STOP_FEATURE = "org_stop";

const orgOutput = {
  stopped: z.boolean().describe("Whether every device of the org is denied now"),
  changed: z.boolean().describe("false when it was so before"),
};

const orgAnswer = z.object({ status: z.literal("ok"), changed: z.boolean().optional() });

/** Adds the tools that stop and resume the whole org, disabled until the authority has them. */
export function addOrgTools(context: ToolContext): readonly RegisteredTool[] {
  const { client } = context;

  const stop = addTool(
    context,
    "stop_org",
    {
      title: "Stop the whole org",
      description:
        "Stops every device of the org at once: each is denied with ORG_DISABLED at its next check, those that are registered later too, until a person agrees to resume_org. Use it when you cannot tell which agents misbehave, or it is too many of them. For single devices, use revoke_device.",
      input: { reason: reasonSchema },
      output: orgOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async ({ reason }, { signal }) => {
      const { changed } = await perform(client, "stopOrg", orgAnswer, { reason }, { signal });
      return { stopped: true, changed: changed ?? true };
    },
  );

  const resume = addTool(
    context,
    "resume_org",
    {
      title: "Resume the org",
      description:
        "Ends what stop_org began: devices may work again, except those that are revoked. A person is asked for consent and may decline; do not ask again then. Work that was stopped does not resume by itself.",
      input: {},
      output: { ...orgOutput, ...pendingShape },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    async (_input, call) => {
      const what = "let every device of the org work again";
      const { status, changed = status === "ok" } = await restore(
        context,
        { operation: "resumeOrg", body: {}, done: restoreAnswer, what },
        call,
      );
      const pending = status === "pending";
      return { stopped: pending, changed, pending };
    },
  );

  const tools = [stop, resume].filter((tool) => tool !== undefined);
  for (const tool of tools) tool.disable();
  return tools;
}
