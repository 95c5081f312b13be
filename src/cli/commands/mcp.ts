import { defineCommand } from "citty";
import { COMMON_ARGUMENTS } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import type { serveStdio } from "../mcp/serve-stdio.ts";

type ServeStdio = typeof serveStdio;

const { json: _json, ...connectionArguments } = CONNECTION_ARGUMENTS;

/** `machineid mcp`: the device-management tools for an assistant, over stdio. */
export const command = defineCommand({
  meta: { name: "mcp", description: "Serve device management to an assistant (MCP over stdio)" },
  args: {
    "read-only": { type: "boolean", description: "Leave out every tool that changes something" },
    "yes-to-restores": {
      type: "boolean",
      description: "Restore and remove devices without asking a person for consent",
    },
    ...connectionArguments,
    debug: COMMON_ARGUMENTS.debug,
  },
  async run({ args }): Promise<ExitCode> {
    const client = connect(args);
    const { serveStdio } = await loadServer();
    return serveStdio(client, {
      readOnly: args["read-only"] === true,
      allowRestores: args["yes-to-restores"] === true,
    });
  },
});

async function loadServer(): Promise<{ serveStdio: ServeStdio }> {
  try {
    return await import("../mcp/serve-stdio.ts");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CommandError(
      "The MCP SDK is not installed. Install it beside this package: npm install @modelcontextprotocol/sdk",
      { exitCode: EXIT.error, code: "MCP_SDK_MISSING", cause: error },
    );
  }
}
