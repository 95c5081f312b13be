import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createSessionlessFetch } from "./sessionless-fetch.ts";

/** A server that is reached over Streamable HTTP. */
export interface HttpServerOptions {
  readonly url: URL;
  /** Headers that every request carries. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes a connection to a server over Streamable HTTP, with a session of its own. */
export function createHttpTransport({
  url,
  headers,
}: HttpServerOptions): StreamableHTTPClientTransport {
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers },
    fetch: createSessionlessFetch(),
  });
  const close = transport.close.bind(transport);
  // The server learns that the session is over, and can let go of what it holds.
  transport.close = async (): Promise<void> => {
    await Promise.race([
      transport.terminateSession().catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, TERMINATE_MS).unref()),
    ]);
    await close();
  };
  return transport;
}

/** How long the end of a session may take, in milliseconds. */
const TERMINATE_MS = 1000;
