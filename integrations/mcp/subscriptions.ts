import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  ErrorCode,
  McpError,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { GuardClient } from "../../src/index.ts";
import { resourceNotFound, withProtocolErrors } from "./failure.ts";
import { Follower } from "./follower.ts";
import { readResourceUri } from "./resource-uri.ts";

/** Most resources that one session may subscribe to. */
const MAX_SUBSCRIPTIONS = 1000;

/**
 * Answers `resources/subscribe` and `resources/unsubscribe`, and tells
 * subscribers of changes, which it looks for every `intervalMs`.
 */
export function addSubscriptions(
  { server }: McpServer,
  client: GuardClient,
  intervalMs: number,
): void {
  let follower: Follower | undefined;

  const currentFollower = (): Follower => {
    if (follower?.isCurrent !== true) {
      follower?.stop();
      follower = new Follower(server, client, intervalMs);
    }
    return follower;
  };

  server.registerCapabilities({ resources: { subscribe: true } });

  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, { signal }) => {
    const name = readResourceUri(uri);
    if (name === undefined) throw resourceNotFound(uri);
    const current = currentFollower();
    if (current.size >= MAX_SUBSCRIPTIONS) {
      const message = `A session may subscribe to ${MAX_SUBSCRIPTIONS} resources. Subscribe to machineid://devices instead`;
      throw new McpError(ErrorCode.InvalidRequest, message);
    }
    await withProtocolErrors(current.add(uri, name, { signal }));
    return {};
  });

  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    currentFollower().remove(uri);
    return {};
  });
}
