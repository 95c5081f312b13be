import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { GuardClient } from "../../src/index.ts";
import { failureResult } from "./failure.ts";

/** What the tools are made of. */
export interface ToolContext {
  readonly server: McpServer;
  readonly client: GuardClient;
  /** Restoring and removing needs no consent. */
  readonly allowRestores: boolean;
}

const CONTROL_CHARACTER = /\p{Cc}/u;

/** A device id, under the rules of the API. */
export const deviceIdSchema = z
  .string()
  .trim()
  .min(1)
  .max(256)
  .refine((value) => value.isWellFormed() && !CONTROL_CHARACTER.test(value), {
    error: "must be well-formed text without control characters",
  })
  .describe("Device id exactly as registered, for example worker:prod:mailer:07");

export const deviceInput = { deviceId: deviceIdSchema };

/** What a tool is, apart from what it does. */
export interface ToolDefinition<Input extends z.ZodRawShape, Output extends z.ZodRawShape> {
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly annotations: ToolAnnotations;
}

/**
 * Registers a tool. What it returns is sent as structured content and as text;
 * what it throws becomes a result that says so, with a code.
 */
export function addTool<Input extends z.ZodRawShape, Output extends z.ZodRawShape>(
  { server }: ToolContext,
  name: string,
  definition: ToolDefinition<Input, Output>,
  act: (
    input: z.output<z.ZodObject<Input>>,
    signal: AbortSignal,
  ) => Promise<z.output<z.ZodObject<Output>>>,
): void {
  const { title, description, input, output, annotations } = definition;
  const inputSchema = z.object(input);
  const config = { title, description, inputSchema, outputSchema: z.object(output) };
  server.registerTool<z.ZodObject<Output>, z.ZodObject>(
    name,
    // One authority is no open world.
    { ...config, annotations: { title, openWorldHint: false, ...annotations } },
    async (given: unknown, { signal }: { signal: AbortSignal }): Promise<CallToolResult> => {
      try {
        const result = await act(inputSchema.parse(given), signal);
        return {
          structuredContent: result,
          content: [{ type: "text", text: JSON.stringify(result) }],
        };
      } catch (error) {
        return failureResult(error);
      }
    },
  );
}
