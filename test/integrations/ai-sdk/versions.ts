import * as ai7 from "ai";
import * as ai5 from "ai5";
import * as ai6 from "ai6";
import type { Version } from "./fake-models.ts";

export type CallOptions = Record<string, unknown>;
export type Call = (options: CallOptions) => unknown;

export interface AnAgent {
  generate(options: CallOptions): unknown;
  stream(options: CallOptions): unknown;
}

/** What the suite uses of the SDK, by one set of names for all versions. Types are tested elsewhere. */
export interface Sdk {
  readonly version: Version;
  readonly generateText: Call;
  readonly streamText: Call;
  readonly generateObject: Call;
  readonly streamObject: Call;
  readonly embed: Call;
  readonly embedMany: Call;
  readonly generateImage: Call;
  readonly experimental_generateSpeech: Call;
  readonly experimental_transcribe: Call;
  /** Versions 6 and 7. */
  readonly rerank: Call;
  readonly experimental_generateVideo: Call;
  readonly wrapLanguageModel: (options: { model: object; middleware: object }) => object;
  /** Versions 6 and 7. */
  readonly wrapEmbeddingModel: (options: { model: object; middleware: object }) => object;
  readonly wrapImageModel: (options: { model: object; middleware: object }) => object;
  readonly createAgentUIStreamResponse: Call;
  readonly stopAfter: (steps: number) => unknown;
  readonly anyInput: unknown;
  readonly Agent: new (settings: CallOptions) => AnAgent;
}

const schema = { type: "object", properties: {} } as const;

export const sdks: readonly Sdk[] = [
  {
    ...ai5,
    version: 5,
    generateImage: ai5.experimental_generateImage,
    stopAfter: ai5.stepCountIs,
    anyInput: ai5.jsonSchema(schema),
    Agent: ai5.Experimental_Agent,
  } as unknown as Sdk,
  {
    ...ai6,
    version: 6,
    stopAfter: ai6.stepCountIs,
    anyInput: ai6.jsonSchema(schema),
    Agent: ai6.ToolLoopAgent,
  } as unknown as Sdk,
  {
    ...ai7,
    version: 7,
    stopAfter: ai7.isStepCount,
    anyInput: ai7.jsonSchema(schema),
    Agent: ai7.ToolLoopAgent,
  } as unknown as Sdk,
];

export function sdkOf(version: Version): Sdk {
  const sdk = sdks.find((each) => each.version === version);
  if (sdk === undefined) throw new Error(`Version ${version} is not in the suite`);
  return sdk;
}
