import { Client as ClientOfV2 } from "@modelcontextprotocol/client";
import type { Transport as TransportOfV2 } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { toolAnswer } from "./scene.ts";
import type { ToolAnswer } from "./scene.ts";

/** A client with somebody before it, of either version of the SDK. */
export interface Assistant extends AsyncDisposable {
  readonly questions: readonly string[];
  toolNames(): Promise<string[]>;
  call(name: string, input?: Readonly<Record<string, unknown>>): Promise<ToolAnswer>;
  readJson(uri: string): Promise<unknown>;
}

/** What the person answers; without it, the client cannot ask. */
export type Person = ElicitResult | undefined;

export type SdkVersion = "v1" | "v2" | "v2, probing";
export const SDK_VERSIONS: readonly SdkVersion[] = ["v1", "v2", "v2, probing"];

const ABOUT = { name: "test", version: "1" };

/** Connects a client; `transports` makes the transport of its SDK. */
export async function connectAssistant(
  version: SdkVersion,
  transports: { readonly v1: () => Transport; readonly v2: () => TransportOfV2 },
  person?: Person,
): Promise<Assistant> {
  const capabilities = person === undefined ? {} : { elicitation: { form: {} } };
  const questions: string[] = [];
  const ask = ({ params }: { params: { message: string } }): ElicitResult => {
    questions.push(params.message);
    return person ?? { action: "cancel" };
  };
  if (version === "v1") {
    const client = new Client(ABOUT, { capabilities });
    if (person !== undefined) client.setRequestHandler(ElicitRequestSchema, ask);
    await client.connect(transports.v1());
    return assistantOf(client, questions);
  }
  const mode = version === "v2" ? "legacy" : "auto";
  const client = new ClientOfV2(ABOUT, { capabilities, versionNegotiation: { mode } });
  if (person !== undefined) client.setRequestHandler("elicitation/create", ask);
  await client.connect(transports.v2());
  return assistantOf(client, questions);
}

function assistantOf(client: Client | ClientOfV2, questions: readonly string[]): Assistant {
  return {
    questions,
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, input = {}) =>
      toolAnswer(await client.callTool({ name, arguments: { ...input } })),
    readJson: async (uri) => {
      const [content] = (await client.readResource({ uri })).contents;
      return JSON.parse(content !== undefined && "text" in content ? content.text : "");
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
