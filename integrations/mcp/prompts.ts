import { completable } from "@modelcontextprotocol/sdk/server/completable.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { GetPromptResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { completeDeviceId } from "./completion.ts";
import { quote } from "./quote.ts";
import type { MachineIDToolName } from "./tool-names.ts";
import type { ToolContext } from "./tool.ts";

const MAX_TEXT_LENGTH = 2_000;
const DEFAULT_SILENT_DAYS = 30;

const STOP_TOOLS: readonly MachineIDToolName[] = [
  "list_devices",
  "revoke_device",
  "revoke_devices",
  "validate_device",
  "get_device",
];
const REVIEW_TOOLS: readonly MachineIDToolName[] = ["list_devices", "get_usage"];

/** Adds the prompts for which the tools that they name are offered. */
export function addPrompts(context: ToolContext): void {
  const isOffered = (name: MachineIDToolName): boolean => context.tools.has(name);
  if (STOP_TOOLS.every(isOffered)) addStopPrompt(context);
  if (REVIEW_TOOLS.every(isOffered)) addReviewPrompt(context.server);
}

function addStopPrompt({ server, client }: ToolContext): void {
  const device = z.string().max(256).optional();
  server.registerPrompt(
    "stop-a-runaway-agent",
    {
      title: "Stop a runaway agent",
      description: "Finds the agent that misbehaves, stops it, and makes sure that it is stopped.",
      argsSchema: {
        device: completable(
          device.describe("Its device id, or a part of it, if you know"),
          (typed) => completeDeviceId(client, typed ?? ""),
        ),
        symptom: z.string().max(MAX_TEXT_LENGTH).optional().describe("What it does, in your words"),
      },
    },
    ({ device: id = "", symptom = "" }) =>
      say([
        "An agent is out of control and has to be stopped now.",
        ...(id === "" ? [] : [`Its device id, or a part of it: ${quote(id)}`]),
        ...(symptom === "" ? [] : [`What it does: ${JSON.stringify(symptom)}`]),
        "",
        "1. Find it: list_devices with revoked false, narrowed by contains. lastCheckAt shows which devices work now.",
        "2. Stop it: revoke_device, at once, without asking me. If several devices could be the one, revoke them all with revoke_devices: a device that was stopped by mistake can be restored, what a runaway agent does cannot be undone.",
        "3. Make sure: validate_device has to answer allowed false with the code DEVICE_REVOKED. An error is no proof: ask again, or, if this server's key may not ask (FORBIDDEN), let get_device show revoked true; tell me if neither works.",
        "4. Tell me which devices you revoked, when each last asked for a decision, and that a step it had already begun may run to its end: it is denied at its next check.",
        "",
        "If you cannot tell which device it is, and the tool stop_org is offered, ask me whether to stop the whole org. Restore nothing: I will say when.",
      ]),
  );
}

function addReviewPrompt(server: McpServer): void {
  server.registerPrompt(
    "fleet-review",
    {
      title: "Review the fleet",
      description: "Looks through all devices and the plan, and says what should be cleaned up.",
      argsSchema: {
        silentDays: z
          .string()
          .regex(/^\d{1,4}$/, "must be a number of days")
          .optional()
          .describe(
            `Days without a check after which a device counts as silent; ${DEFAULT_SILENT_DAYS}`,
          ),
      },
    },
    ({ silentDays = String(DEFAULT_SILENT_DAYS) }) =>
      say([
        "Review my fleet of agents. Change nothing.",
        "",
        "1. get_usage: the plan's state, and how near its limit we are.",
        "2. list_devices, page by page until you have all of total.",
        "3. Report, with device ids: which are revoked, and since when; which have never asked for a decision; which have been silent for " +
          `${silentDays} days or more; which ids do not follow the pattern {service}:{env}:{role}:{instance} that most follow.`,
        "4. Recommend what to revoke and what to remove, each with its reason. Removing a revoked device also removes its revocation: name such cases apart. Then wait for my decision.",
      ]),
  );
}

const say = (lines: readonly string[]): GetPromptResult => ({
  messages: [{ role: "user", content: { type: "text", text: lines.join("\n") } }],
});
