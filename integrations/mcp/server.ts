import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RegisteredTool } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { InvalidArgumentError } from "../../src/index.ts";
import type { GuardClient } from "../../src/index.ts";
import { addBatchTools } from "./batch-tools.ts";
import { addChangingTools } from "./changing-tools.ts";
import { featuresOrNone } from "./features.ts";
import { addOrgTools, ORG_STOP_FEATURE } from "./org-tools.ts";
import { addPrompts } from "./prompts.ts";
import { addReadingTools } from "./reading-tools.ts";
import { addResources } from "./resources.ts";
import { addSubscriptions } from "./subscriptions.ts";
import { chooseTools } from "./tool-names.ts";
import type { MachineIDToolName, ToolChoice } from "./tool-names.ts";

export interface MachineIDServerOptions extends ToolChoice {
  /** Offers these tools and no others. @default all of them */
  readonly tools?: readonly MachineIDToolName[] | undefined;
  /**
   * Lets devices be restored and removed, and the org be resumed, without a person's
   * consent. An assistant can then undo every stop, that of its own agents included.
   *
   * @default false
   */
  readonly allowRestores?: boolean | undefined;
  /**
   * How often the authority is asked for changes while a client subscribes to a
   * resource, in milliseconds, from 10 to 3,600,000.
   *
   * @default 5000
   */
  readonly pollIntervalMs?: number | undefined;
  /** What the server calls itself. @default "machineid" */
  readonly name?: string | undefined;
  /** @default "1.0.0" */
  readonly version?: string | undefined;
}

const DEFAULT_POLL_INTERVAL_MS = 5_000;
const MIN_POLL_INTERVAL_MS = 10;
const MAX_POLL_INTERVAL_MS = 3_600_000;

/** What an assistant has to know of all tools together. */
function instructionsFor(tools: ReadonlySet<MachineIDToolName>, allowRestores: boolean): string {
  const has = (...names: readonly MachineIDToolName[]): boolean =>
    names.some((name) => tools.has(name));
  const mayRevoke = has("revoke_device", "revoke_devices");
  const asksAPerson =
    !allowRestores && has("unrevoke_device", "unrevoke_devices", "remove_device", "resume_org");
  return [
    "MachineID decides from outside whether AI agents may work. Every agent instance is a device.",
    `A revoked device is denied at its next check${mayRevoke ? "; revoke first and ask questions later" : ""}.`,
    "An error is never an allow.",
    ...(asksAPerson ? ["Restoring and removing a device needs a person's consent."] : []),
  ].join(" ");
}

/**
 * Makes an MCP server with which an assistant manages devices: tools that see,
 * register, revoke, restore and remove them, one or several, and where the
 * authority can do it stop the whole org; the resources `machineid://devices`,
 * `machineid://devices/{id}` and `machineid://usage`, with subscriptions; and the
 * prompts `stop-a-runaway-agent` and `fleet-review`.
 *
 * Whatever lets agents work again asks a person by elicitation, and is refused
 * where the client cannot ask. Failures are results with `isError` and a code;
 * the client's key is in none of them.
 *
 * A server serves one session at a time; make one for each.
 *
 * @param client a {@link MachineID}
 * @throws {@link InvalidArgumentError} `OPTION_INVALID`
 */
export function createMachineIDServer(
  client: GuardClient,
  options: MachineIDServerOptions = {},
): McpServer {
  return new MachineIDServer(client, options);
}

class MachineIDServer extends McpServer {
  readonly #client: GuardClient;
  readonly #orgTools: readonly RegisteredTool[];

  constructor(client: GuardClient, options: MachineIDServerOptions) {
    const { name = "machineid", version = "1.0.0", allowRestores = false } = options;
    const tools = chooseTools(options);
    super(
      { name, title: "MachineID", version },
      { instructions: instructionsFor(tools, allowRestores), capabilities: { logging: {} } },
    );
    const context = { server: this, client, tools, allowRestores };
    addReadingTools(context);
    addChangingTools(context);
    addBatchTools(context);
    this.#client = client;
    this.#orgTools = addOrgTools(context);
    addResources(this, client);
    addSubscriptions(this, client, readPollInterval(options.pollIntervalMs));
    addPrompts(context);
  }

  /** Asks the authority what it can do before the client asks for the tools. */
  override async connect(transport: Transport): Promise<void> {
    if (this.#orgTools.length > 0) {
      const features = await featuresOrNone(this.#client);
      const isOffered = features.has(ORG_STOP_FEATURE);
      for (const tool of this.#orgTools) tool.update({ enabled: isOffered });
    }
    await super.connect(transport);
  }
}

function readPollInterval(intervalMs: number = DEFAULT_POLL_INTERVAL_MS): number {
  if (intervalMs >= MIN_POLL_INTERVAL_MS && intervalMs <= MAX_POLL_INTERVAL_MS) return intervalMs;
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    `pollIntervalMs must be a number of milliseconds from ${MIN_POLL_INTERVAL_MS} to ${MAX_POLL_INTERVAL_MS}`,
  );
}
