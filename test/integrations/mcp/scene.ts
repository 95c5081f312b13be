import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import type { MachineIDServerOptions } from "../../../integrations/mcp/index.ts";
import type { GuardClient } from "../../../src/index.ts";

/** What a tool call brought. */
export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Readonly<Record<string, unknown>> | undefined;
}

export interface McpScene extends AsyncDisposable {
  readonly client: Client;
  /** The questions that a person was asked. */
  readonly questions: readonly string[];
  call(name: string, input?: Readonly<Record<string, unknown>>): Promise<ToolAnswer>;
}

export interface SceneOptions extends MachineIDServerOptions {
  /** What a person answers; without it, the client cannot ask. */
  readonly person?: ElicitResult | (() => Promise<ElicitResult>);
}

/** A real MCP client before a real server, in memory. */
export async function startScene(
  machineid: GuardClient,
  { person, ...options }: SceneOptions = {},
): Promise<McpScene> {
  const server = createMachineIDServer(machineid, options);
  const capabilities = person === undefined ? {} : { elicitation: { form: {} } };
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  const questions: string[] = [];
  if (person !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      questions.push(params.message);
      return typeof person === "function" ? person() : person;
    });
  }
  const [near, far] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(far), client.connect(near)]);
  return {
    client,
    questions,
    call: (name, input = {}) => callTool(client, name, input),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await server.close();
    },
  };
}

export async function callTool(
  client: Client,
  name: string,
  input: Readonly<Record<string, unknown>>,
): Promise<ToolAnswer> {
  return toolAnswer(await client.callTool({ name, arguments: { ...input } }));
}

/** Reads the result of a tool call, of either version of the SDK. */
export function toolAnswer(result: Readonly<Record<string, unknown>>): ToolAnswer {
  const [first] = result["content"] as readonly { type: string; text?: string }[];
  return {
    isError: result["isError"] === true,
    text: first?.text ?? "",
    structured: result["structuredContent"] as Record<string, unknown> | undefined,
  };
}
