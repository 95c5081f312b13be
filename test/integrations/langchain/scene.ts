import { once } from "node:events";
import { createServer } from "node:net";
import type { Server } from "node:net";
import { createGuard, MachineID } from "../../../src/index.ts";
import type { Guard, GuardEvent } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { Mode, ScriptedAuthority } from "../../support/scripted-authority.ts";

/** Small: only authorities that hang make anyone wait for it. */
const CHECK_TIMEOUT_MS = 150;

/** A guard, its authority, and what went on under it. */
export interface Scene extends AsyncDisposable {
  readonly guard: Guard;
  readonly authority: ScriptedAuthority;
  /** Bodies that began, in order. */
  readonly entered: string[];
  /** Bodies that began after the first denial. */
  readonly enteredLate: string[];
  readonly events: readonly GuardEvent[];
  /** Called when the body of that name begins. */
  readonly onEnter: Map<string, () => void | Promise<void>>;
  /** What a guarded body does first. */
  enter(name: string): Promise<void>;
}

/**
 * How the authority is when the scene opens. `unreachable` cuts every connection:
 * a port that nobody listens on could be another scene's a moment later.
 */
export type Opening = Exclude<Mode, "down"> | "unreachable";

export async function openScene(opening: Opening = "allow"): Promise<Scene> {
  const authority = await startScriptedAuthority(opening === "unreachable" ? "allow" : opening);
  const cut = opening === "unreachable" ? await listenAndCut() : undefined;
  const entered: string[] = [];
  const enteredLate: string[] = [];
  const events: GuardEvent[] = [];
  const onEnter = new Map<string, () => void | Promise<void>>();
  let isStopped = false;
  const client =
    cut === undefined
      ? authority.client()
      : new MachineID({ orgKey: "org_scripted", baseUrl: `http://127.0.0.1:${portOf(cut)}` });
  const guard = createGuard(client, {
    deviceId: "agent-01",
    checkTimeoutMs: opening === "hang" ? CHECK_TIMEOUT_MS : undefined,
    onEvent: (event) => {
      events.push(event);
      if (event.type === "stop") isStopped = true;
    },
  });
  return {
    guard,
    authority,
    entered,
    enteredLate,
    events,
    onEnter,
    async enter(name) {
      entered.push(name);
      if (isStopped) enteredLate.push(name);
      await onEnter.get(name)?.();
    },
    async [Symbol.asyncDispose]() {
      cut?.close();
      await authority.close();
    },
  };
}

async function listenAndCut(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** Reads a stream to its end. Some streams of LangChain are promises of their result as well. */
export async function drain<T>(stream: AsyncIterable<T> | Promise<AsyncIterable<T>>): Promise<T[]> {
  const source = Symbol.asyncIterator in stream ? stream : await stream;
  const parts: T[] = [];
  for await (const part of source) parts.push(part);
  return parts;
}
