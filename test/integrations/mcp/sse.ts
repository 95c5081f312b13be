import { createInterface } from "node:readline";
import { Readable } from "node:stream";

export interface RpcMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** The messages of an event stream, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<RpcMessage> {
  if (response.body === null) throw new Error("no body");
  const lines = createInterface({ input: Readable.fromWeb(response.body) });
  for await (const line of lines) {
    if (line.startsWith("data: ")) yield JSON.parse(line.slice("data: ".length)) as RpcMessage;
  }
}
