import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { GuardClient } from "../../src/index.ts";
import { addChangingTools } from "./changing-tools.ts";
import { addReadingTools } from "./reading-tools.ts";

export interface MachineIDServerOptions {
  /**
   * Lets `unrevoke_device` and `remove_device` work without a person's consent.
   * An assistant can then undo every stop, that of its own agents included.
   *
   * @default false
   */
  readonly allowRestores?: boolean | undefined;
  /** Leaves out every tool that changes something. @default false */
  readonly readOnly?: boolean | undefined;
  /** What the server calls itself. @default "machineid" */
  readonly name?: string | undefined;
  /** @default "1.0.0" */
  readonly version?: string | undefined;
}

const INSTRUCTIONS =
  "MachineID decides from outside whether AI agents may work. Every agent instance is a device. " +
  "A revoked device is denied at its next check; revoke first and ask questions later. " +
  "An error is never an allow. Restoring and removing a device needs a person's consent.";

/**
 * Makes an MCP server with which an assistant manages devices: `register_device`,
 * `validate_device`, `list_devices`, `get_device`, `revoke_device`,
 * `unrevoke_device`, `remove_device` and `get_usage`.
 *
 * Restoring and removing devices asks a person by elicitation, and is refused
 * where the client cannot ask. Failures are results with `isError` and a code;
 * the client's key is in none of them.
 *
 * @param client a {@link MachineID}
 */
export function createMachineIDServer(
  client: GuardClient,
  options: MachineIDServerOptions = {},
): McpServer {
  const { name = "machineid", version = "1.0.0" } = options;
  const server = new McpServer(
    { name, title: "MachineID", version },
    { instructions: INSTRUCTIONS },
  );
  const context = { server, client, allowRestores: options.allowRestores === true };
  addReadingTools(context);
  if (options.readOnly !== true) addChangingTools(context);
  return server;
}
