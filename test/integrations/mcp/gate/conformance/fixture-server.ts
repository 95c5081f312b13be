import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { ElicitRequestFormParams } from "@modelcontextprotocol/sdk/types.js";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { addFixtureTools, listTools, noteTools, PIXEL, text } from "./fixture-tools.ts";

const SERVER = {
  capabilities: {
    logging: {},
    completions: {},
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
  },
};

/** A server that has everything the conformance suite asks for, by the suite's names. */
export function createFixtureServer(): McpServer {
  const server = new McpServer({ name: "conformance-fixture", version: "1.0.0" }, SERVER);
  const names = noteTools(server);
  addFixtureTools(server);
  addTalkingTools(server);
  listTools(server, names);
  addResources(server);
  addPrompts(server);
  server.server.setRequestHandler(
    z.object({ method: z.literal("completion/complete"), params: z.looseObject({}) }),
    () => ({ completion: { values: ["paris", "park", "party"], total: 3, hasMore: false } }),
  );
  return server;
}

/** Tools that say something while they run, or ask for something. */
function addTalkingTools(server: McpServer): void {
  server.registerTool(
    "test_tool_with_logging",
    { description: "Logs while it runs" },
    async ({ sendNotification }) => {
      for (const data of [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
      ]) {
        await sendNotification({
          method: "notifications/message",
          params: { level: "info", data },
        });
        await delay(10);
      }
      return { content: [text("Logged")] };
    },
  );
  server.registerTool(
    "test_tool_with_progress",
    { description: "Tells its progress" },
    async ({ sendNotification, _meta }) => {
      for (const progress of [0, 50, 100]) {
        const progressToken = _meta?.progressToken ?? 0;
        await sendNotification({
          method: "notifications/progress",
          params: { progressToken, progress, total: 100 },
        });
        await delay(10);
      }
      return { content: [text("Done")] };
    },
  );
  server.registerTool(
    "test_sampling",
    { description: "Asks the client's model", inputSchema: { prompt: z.string() } },
    async ({ prompt }, { sendRequest }) => {
      const { content } = await sendRequest(
        {
          method: "sampling/createMessage",
          params: { messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 },
        },
        CreateMessageResultSchema,
      );
      return { content: [text(`LLM response: ${JSON.stringify(content)}`)] };
    },
  );
  addElicitation(server, "test_elicitation", {
    username: { type: "string", description: "User's response" },
    email: { type: "string", description: "User's email address" },
  });
  addElicitation(server, "test_elicitation_sep1034_defaults", {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  });
  addElicitation(server, "test_elicitation_sep1330_enums", {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled("Option") },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: {
      type: "array",
      items: { type: "string", enum: ["option1", "option2", "option3"] },
    },
    titledMulti: { type: "array", items: { anyOf: titled("Choice") } },
  });
}

const titled = (noun: string): { const: string; title: string }[] =>
  ["First", "Second", "Third"].map((title, index) => ({
    const: `value${index + 1}`,
    title: `${title} ${noun}`,
  }));

function addElicitation(
  server: McpServer,
  name: string,
  properties: ElicitRequestFormParams["requestedSchema"]["properties"],
): void {
  const inputSchema = { message: z.string().default("Please answer") };
  server.registerTool(
    name,
    { description: "Asks the person at the client", inputSchema },
    async ({ message }, { sendRequest }) => {
      const { action, content } = await sendRequest(
        {
          method: "elicitation/create",
          params: { message, requestedSchema: { type: "object", properties } },
        },
        ElicitResultSchema,
      );
      const answer = `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`;
      return { content: [text(answer)] };
    },
  );
}

function addResources(server: McpServer): void {
  const mimeType = "text/plain";
  const described = { description: "A resource", mimeType };
  server.registerResource("static-text", "test://static-text", described, ({ href: uri }) => ({
    contents: [{ uri, mimeType, text: "This is the content of the static text resource." }],
  }));
  server.registerResource("static-binary", "test://static-binary", described, ({ href: uri }) => ({
    contents: [{ uri, mimeType: "image/png", blob: PIXEL }],
  }));
  server.registerResource("watched", "test://watched-resource", described, ({ href: uri }) => ({
    contents: [{ uri, mimeType, text: "watched" }],
  }));
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    described,
    ({ href: uri }, { id }) => {
      const data = { id, templateTest: true, data: `Data for ID: ${String(id)}` };
      return { contents: [{ uri, mimeType: "application/json", text: JSON.stringify(data) }] };
    },
  );
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
}

function addPrompts(server: McpServer): void {
  const role = "user" as const;
  const description = "A prompt";
  server.registerPrompt("test_simple_prompt", { description }, () => ({
    messages: [{ role, content: text("This is a simple prompt for testing.") }],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description, argsSchema: { arg1: z.string(), arg2: z.string() } },
    ({ arg1, arg2 }) => ({
      messages: [{ role, content: text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`) }],
    }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description, argsSchema: { resourceUri: z.string() } },
    ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: "text/plain", text: "Embedded resource for testing." };
      return {
        messages: [
          { role, content: { type: "resource", resource } },
          { role, content: text("Please process the embedded resource above.") },
        ],
      };
    },
  );
  server.registerPrompt("test_prompt_with_image", { description }, () => ({
    messages: [
      { role, content: { type: "image", data: PIXEL, mimeType: "image/png" } },
      { role, content: text("Please analyze the image above.") },
    ],
  }));
}
