import type { McpServer, RegisteredTool } from "@modelcontextprotocol/sdk/server/mcp.js";
import type {
  CallToolResult,
  RequestId,
  ToolAnnotations,
} from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { GuardClient } from "../../src/index.ts";
import { failureResult, isUnexpected } from "./failure.ts";
import type { MachineIDToolName } from "./tool-names.ts";

/** What the tools are made of. */
export interface ToolContext {
  readonly server: McpServer;
  readonly client: GuardClient;
  /** Only these are added. */
  readonly tools: ReadonlySet<MachineIDToolName>;
  /** Restoring and removing needs no consent. */
  readonly allowRestores: boolean;
}

/** One call of a tool. */
export interface ToolCall {
  /** Aborted when the client cancels the call or goes away. */
  readonly signal: AbortSignal;
  readonly requestId: RequestId;
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

/** Why something is stopped. */
export const reasonSchema = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .refine((value) => value.isWellFormed() && !CONTROL_CHARACTER.test(value), {
    error: "must be one line of well-formed text",
  })
  .describe("Why, on one line, for the audit and for whoever has to restore it");

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
 * Registers a tool, if it is one of those to be offered. What it returns is sent
 * as structured content and as text; what it throws becomes a result that says
 * so, with a code. An argument that it does not know is refused: passing one
 * over would do something else than what was asked for.
 */
export function addTool<Input extends z.ZodRawShape, Output extends z.ZodRawShape>(
  { server, tools }: ToolContext,
  name: MachineIDToolName,
  definition: ToolDefinition<Input, Output>,
  act: (
    input: z.output<z.ZodObject<Input>>,
    call: ToolCall,
  ) => Promise<z.output<z.ZodObject<Output>>>,
): RegisteredTool | undefined {
  if (!tools.has(name)) return undefined;
  const { title, description, input, output, annotations } = definition;
  const inputSchema = z.strictObject(input);
  const config = { title, description, inputSchema, outputSchema: z.object(output) };
  return server.registerTool<z.ZodObject<Output>, z.ZodObject>(
    name,
    // One authority is no open world.
    { ...config, annotations: { title, openWorldHint: false, ...annotations } },
    async (given: unknown, { signal, requestId }: ToolCall): Promise<CallToolResult> => {
      try {
        const result = await act(inputSchema.parse(given), { signal, requestId });
        return {
          structuredContent: result,
          content: [{ type: "text", text: JSON.stringify(result) }],
        };
      } catch (error) {
        if (isUnexpected(error) && !signal.aborted) server.server.onerror?.(error);
        return failureResult(error);
      }
    },
  );
}
