const AUDIO = new Uint8Array([1, 2, 3]);

/** Functions for models that make or read something other than text. */
export const OTHER_KINDS = [
  {
    door: "experimental_generateSpeech",
    versions: [5, 6, 7],
    operation: "doGenerate",
    answer: { audio: AUDIO },
    input: { text: "x" },
  },
  {
    door: "experimental_transcribe",
    versions: [5, 6, 7],
    operation: "doGenerate",
    answer: { text: "x", segments: [], language: "en", durationInSeconds: 1 },
    input: { audio: AUDIO },
  },
  {
    door: "rerank",
    versions: [6, 7],
    operation: "doRerank",
    answer: { ranking: [{ index: 0, relevanceScore: 1 }] },
    input: { documents: ["x"], query: "x" },
  },
  {
    door: "experimental_generateVideo",
    versions: [6, 7],
    operation: "doGenerate",
    answer: { videos: [{ type: "base64", data: "AQID", mediaType: "video/mp4" }] },
    input: { prompt: "x" },
  },
] as const;
