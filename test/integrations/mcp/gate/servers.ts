import { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { McpServer as McpServer2 } from "@modelcontextprotocol/server";
import type { Bodies } from "./bodies.ts";
import type { RawClient } from "./raw-client.ts";
import type { Message } from "../../../../integrations/mcp/gate/message.ts";

/** A server, what is done to it once it is connected, and how its body is reached. */
export interface ServerDoor {
  /** SDK versions that have it. */
  readonly versions: readonly (1 | 2)[];
  /** Sets up a server that has `before`, and whatever the door needs. */
  readonly prepare: (server: McpServer, bodies: Bodies) => void;
  /** What is done after it was connected. */
  readonly change?: (server: McpServer, bodies: Bodies) => void;
  readonly call: (client: RawClient) => Promise<Message>;
}

const said = (text: string): { content: { type: "text"; text: string }[] } => ({
  content: [{ type: "text", text }],
});

/** The signal, where each version of the SDK has it. */
export const signalIn = (extra: unknown): AbortSignal => {
  const { signal, mcpReq }: { signal?: AbortSignal; mcpReq?: { signal: AbortSignal } } =
    Object(extra);
  const found = signal ?? mcpReq?.signal;
  if (found === undefined) throw new Error("no signal");
  return found;
};

const tool =
  (bodies: Bodies, name: string) =>
  async (...given: readonly unknown[]): Promise<ReturnType<typeof said>> => {
    await bodies.enter(name, signalIn(given.at(-1)));
    return said(name);
  };

const register = (server: McpServer, bodies: Bodies, name = "search") =>
  server.registerTool(name, { description: "Searches" }, tool(bodies, name));

const callTool = (name: string) => (client: RawClient) =>
  client.ask("tools/call", { name, arguments: {} });

/** Every way in which a server comes by a body. */
export const serverDoors: Readonly<Record<string, ServerDoor>> = {
  "registered before": {
    versions: [1, 2],
    prepare: (server, bodies) => void register(server, bodies),
    call: callTool("search"),
  },
  "registered after": {
    versions: [1, 2],
    prepare: (server, bodies) => void register(server, bodies, "other"),
    change: (server, bodies) => void register(server, bodies),
    call: callTool("search"),
  },
  updated: {
    versions: [1, 2],
    prepare: (server, bodies) => {
      const registered = register(server, bodies, "other");
      changes.set(server, () =>
        registered.update({ name: "search", callback: tool(bodies, "search") }),
      );
    },
    change: (server) => changes.get(server)?.(),
    call: callTool("search"),
  },
  "removed and added": {
    versions: [1, 2],
    prepare: (server, bodies) => {
      const registered = register(server, bodies);
      changes.set(server, () => {
        registered.remove();
        register(server, bodies);
      });
    },
    change: (server) => changes.get(server)?.(),
    call: callTool("search"),
  },
  "deprecated tool()": {
    versions: [1],
    prepare: (server, bodies) => void server.tool("search", tool(bodies, "search")),
    call: callTool("search"),
  },
  "low-level handler": {
    versions: [1, 2],
    prepare: (server, bodies) => {
      server.server.registerCapabilities({ tools: {} });
      const handler = async (_request: unknown, extra: unknown) => {
        await bodies.enter("search", signalIn(extra));
        return said("search");
      };
      const second: unknown = server;
      if (!(second instanceof McpServer2)) {
        server.server.setRequestHandler(CallToolRequestSchema, handler);
        return;
      }
      second.server.setRequestHandler("tools/call", handler);
    },
    call: callTool("search"),
  },
  resources: {
    versions: [1, 2],
    prepare: (server, bodies) =>
      void server.registerResource("notes", "test://notes", {}, async (uri, extra) => {
        await bodies.enter("search", signalIn(extra));
        return { contents: [{ uri: uri.href, text: "notes" }] };
      }),
    call: (client) => client.ask("resources/read", { uri: "test://notes" }),
  },
  prompts: {
    versions: [1, 2],
    prepare: (server, bodies) =>
      void server.registerPrompt("greet", {}, async (...given: readonly unknown[]) => {
        await bodies.enter("search", signalIn(given.at(-1)));
        return { messages: [{ role: "user", content: { type: "text", text: "hello" } }] };
      }),
    call: (client) => client.ask("prompts/get", { name: "greet" }),
  },
  tasks: {
    versions: [1],
    prepare: (server, bodies) =>
      void server.experimental.tasks.registerToolTask(
        "search",
        { description: "Searches for long", execution: { taskSupport: "required" } },
        {
          createTask: async ({ taskStore }) => {
            const task = await taskStore.createTask({ ttl: 60_000 });
            void work(bodies, task.taskId, async () => {
              await taskStore.storeTaskResult(task.taskId, "completed", said("search"));
            });
            return { task };
          },
          getTask: ({ taskId, taskStore }) => taskStore.getTask(taskId),
          getTaskResult: async ({ taskId, taskStore }) =>
            (await taskStore.getTaskResult(taskId)) as ReturnType<typeof said>,
        },
      ),
    call: async (client) => {
      const created = await client.ask("tools/call", { name: "search", arguments: {}, task: {} });
      const { task }: { task?: { taskId: string } } = Object(created.result);
      return task === undefined ? created : client.ask("tasks/result", { taskId: task.taskId });
    },
  },
};

const changes = new WeakMap<object, () => void>();

/** Tasks whose cancellation is listened for. */
const cancelled = new EventTarget();

/** The work behind a task: its signal aborts when the store is told that it is cancelled. */
async function work(bodies: Bodies, taskId: string, finish: () => Promise<void>): Promise<void> {
  const controller = new AbortController();
  cancelled.addEventListener(taskId, () => controller.abort(), { once: true });
  await bodies.enter("search", controller.signal);
  if (!controller.signal.aborted) await finish();
}

class WatchedTaskStore extends InMemoryTaskStore {
  override async updateTaskStatus(
    ...given: Parameters<InMemoryTaskStore["updateTaskStatus"]>
  ): Promise<void> {
    await super.updateTaskStatus(...given);
    if (given[1] === "cancelled") cancelled.dispatchEvent(new Event(given[0]));
  }
}

/** Makes a server of a version. Both have the methods that the doors use. */
export function createServer(version: 1 | 2): McpServer {
  const info = { name: "fixture", version: "1.0.0" };
  if (version === 2) return new McpServer2(info) as unknown as McpServer;
  return new McpServer(info, {
    capabilities: { tasks: { requests: { tools: { call: {} } }, cancel: {}, list: {} } },
    taskStore: new WatchedTaskStore(),
  });
}
