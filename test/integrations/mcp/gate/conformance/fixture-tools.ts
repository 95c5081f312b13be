import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

/** A picture of one pixel. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

export const text = (words: string): { type: "text"; text: string } => ({
  type: "text",
  text: words,
});

/** Tools that answer with something fixed. */
export function addFixtureTools(server: McpServer): void {
  const image = { type: "image", data: PIXEL, mimeType: "image/png" } as const;
  const fixed = (name: string, ...content: readonly Content[]): void => {
    server.registerTool(name, { description: "Answers with something fixed" }, () => ({
      content: [...content],
    }));
  };
  fixed("test_simple_text", text("This is a simple text response for testing."));
  fixed("test_image_content", image);
  fixed("test_audio_content", { type: "audio", data: SILENCE, mimeType: "audio/wav" });
  fixed(
    "test_embedded_resource",
    resource("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  );
  fixed(
    "test_multiple_content_types",
    text("Multiple content types test:"),
    image,
    resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  );
  server.registerTool("test_error_handling", { description: "Always fails" }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  fixed(SCHEMA_TOOL.name, text("It has a schema"));
}

type Content =
  | ReturnType<typeof text>
  | ReturnType<typeof resource>
  | { type: "image" | "audio"; data: string; mimeType: string };

const resource = (
  uri: string,
  mimeType: string,
  words: string,
): { type: "resource"; resource: { uri: string; mimeType: string; text: string } } => ({
  type: "resource",
  resource: { uri, mimeType, text: words },
});

/** A tool whose schema has members that only JSON Schema 2020-12 knows; no helper makes one. */
const SCHEMA_TOOL = {
  name: "json_schema_2020_12_tool",
  description: "Tool with JSON Schema 2020-12 features",
  inputSchema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object" as const,
    $defs: {
      address: {
        type: "object",
        properties: { street: { type: "string" }, city: { type: "string" } },
      },
    },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  },
};

/** Notes the names of the tools that are registered from here on. */
export function noteTools(server: McpServer): readonly string[] {
  const names: string[] = [];
  const register = server.registerTool.bind(server);
  const noting: typeof register = (name, ...rest) => {
    names.push(name);
    return register(name, ...rest);
  };
  server.registerTool = noting;
  return names;
}

/** Lists tools by hand, so that the one schema that no helper makes is listed as it is. */
export function listTools(server: McpServer, names: readonly string[]): void {
  const inputSchema = { type: "object" as const };
  const tools = names.map((name) =>
    name === SCHEMA_TOOL.name ? SCHEMA_TOOL : { name, description: "A fixture", inputSchema },
  );
  server.server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
}
