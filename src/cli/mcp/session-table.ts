import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { InvalidArgumentError, RequestError } from "../../index.ts";
import type { MachineID } from "../../index.ts";
import { unauthorized } from "./caller.ts";
import type { Caller } from "./caller.ts";
import { RpcFailure, sessionNotFound } from "./rpc-failure.ts";
import { Session } from "./session.ts";

export interface SessionOptions {
  /** A client that uses the key of a caller. */
  readonly createClient: (orgKey: string) => MachineID;
  readonly createServer: (client: MachineID) => McpServer;
  /** Most sessions at once. */
  readonly maxSessions: number;
  /** Most sessions of one key. Beyond them, its idlest session ends for a new one. */
  readonly maxSessionsPerKey: number;
  /** A session that was not used for so long ends, in milliseconds. */
  readonly idleMs: number;
}

const MAX_SWEEP_MS = 60_000;

/** The sessions there are, each of which belongs to the key that opened it. */
export class SessionTable {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #sweep: NodeJS.Timeout;
  #isClosing = false;
  #onCallEnd = (): void => undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const sweepMs = Math.min(options.idleMs / 2, MAX_SWEEP_MS);
    this.#sweep = setInterval(() => this.#endIdle(), sweepMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Opens a session for a caller whose key the authority knows.
   *
   * @throws {@link RpcFailure} 401, 429, 503
   */
  async open({ orgKey, fingerprint }: Caller): Promise<Session> {
    const client = this.#clientFor(orgKey);
    await checkKey(client);
    if (this.#isClosing) throw unavailable("This server is stopping");
    this.#makeRoom(fingerprint);
    const session = new Session(fingerprint, this.#options.createServer(client));
    session.onEnd = () => this.#sessions.delete(session.id);
    session.onResponseEnd = () => this.#onCallEnd();
    this.#sessions.set(session.id, session);
    await session.begin();
    return session;
  }

  /** @throws {@link RpcFailure} 404 for a session that is not there, or not this caller's */
  find(id: string, { fingerprint }: Caller): Session {
    const session = this.#sessions.get(id);
    if (session?.owner !== fingerprint || !session.isInitialized) throw sessionNotFound();
    return session;
  }

  /** Opens no more, waits at most `timeoutMs` for what is being answered, and ends all. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#sweep);
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, timeoutMs);
      this.#onCallEnd = () => {
        if ([...this.#sessions.values()].some(({ openCalls }) => openCalls > 0)) return;
        clearTimeout(deadline);
        resolve();
      };
      this.#onCallEnd();
    });
    await Promise.all([...this.#sessions.values()].map((session) => session.end()));
  }

  #clientFor(orgKey: string): MachineID {
    try {
      return this.#options.createClient(orgKey);
    } catch (error) {
      if (InvalidArgumentError.isInstance(error)) throw unauthorized("That can be no key");
      throw error;
    }
  }

  #makeRoom(owner: string): void {
    const { maxSessions, maxSessionsPerKey } = this.#options;
    const mine = [...this.#sessions.values()].filter((session) => session.owner === owner);
    if (mine.length >= maxSessionsPerKey) {
      const [idlest] = mine.toSorted((a, b) => b.idleMs - a.idleMs);
      if (idlest === undefined || idlest.idleMs === 0) {
        const message = `This key has ${maxSessionsPerKey} sessions, and all are in use`;
        throw new RpcFailure(429, message, { headers: RETRY_LATER });
      }
      this.#end(idlest);
    } else if (this.#sessions.size >= maxSessions) {
      throw unavailable("This server has as many sessions as it can have");
    }
  }

  #endIdle(): void {
    for (const session of this.#sessions.values()) {
      if (session.idleMs >= this.#options.idleMs) this.#end(session);
    }
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id);
    void session.end();
  }
}

const RETRY_LATER = { "retry-after": "10" };

const unavailable = (problem: string): RpcFailure =>
  new RpcFailure(503, `${problem}. Try again later`, { headers: RETRY_LATER });

/** Nobody takes a place with a key that does not count, or that cannot be checked. */
async function checkKey(client: MachineID): Promise<void> {
  let status: number;
  try {
    ({ status } = await client.request("listDevices", { limit: 1 }));
  } catch (error) {
    if (RequestError.isInstance(error))
      throw unavailable(`${error.code}: The key cannot be checked`);
    throw error;
  }
  if (status === 401) throw unauthorized("The authority does not know this key");
  // A key that may not see the devices is a key all the same.
  const isKnown = status === 403 || (status >= 200 && status < 300);
  if (!isKnown) throw unavailable(`AUTHORITY_ERROR: The key cannot be checked, status ${status}`);
}
