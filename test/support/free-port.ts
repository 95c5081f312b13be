import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to whoever asks for any. */
const LOWEST = 15_000;
const HIGHEST = 30_000;

/**
 * A port on which nothing listens, and which nobody is given by chance who asks
 * for any port: what is stopped there can be started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
