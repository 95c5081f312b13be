/** Largest input that is read, in bytes. A tool may be given whole files. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/** What of a hook's input a decision needs. */
export interface HookCall {
  readonly event: "PreToolUse" | "UserPromptSubmit";
  /** The tool's name; undefined for a prompt. */
  readonly tool: string | undefined;
}

/** Reads a stream to its end. Rejects when it is longer than {@link MAX_INPUT_BYTES}. */
export async function readInput(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_INPUT_BYTES) throw new Error(`The input is over ${MAX_INPUT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

/** What is about to begin, or an error that says why it cannot be told. */
export function readCall(text: string): HookCall {
  const input: unknown = JSON.parse(text);
  if (typeof input !== "object" || input === null) throw new Error("The input is no object");
  const event: unknown = Reflect.get(input, "hook_event_name");
  if (event === "UserPromptSubmit") return { event, tool: undefined };
  const tool: unknown = Reflect.get(input, "tool_name");
  if (event !== "PreToolUse" || typeof tool !== "string" || tool === "") {
    throw new Error("The input is of no event that can be blocked, or names no tool");
  }
  return { event, tool };
}
