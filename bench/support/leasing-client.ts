import type { ChannelHandlers, GuardClient } from "../../src/index.ts";

const ALLOW = { allowed: true, code: "ALLOW", request_id: "fbf77ff5-06ed-42eb-8e07-024c32ef1e68" };

/** A client whose authority is in this process: it grants whatever it is asked for. */
export function leasingClient(): GuardClient {
  return {
    request: () => Promise.reject(new Error("leases alone")),
    openLeaseChannel: async (handlers: ChannelHandlers) => {
      const watched = new Set<string>();
      const grant = (n: number): void => {
        const decisions = Object.fromEntries([...watched].map((device) => [device, ALLOW]));
        const message = { type: "grant", n, ttl_ms: 10_000, version: 1, decisions };
        handlers.received(JSON.stringify(message));
      };
      queueMicrotask(() => {
        handlers.opened((text) => {
          const request = JSON.parse(text) as { type: string; n: number; devices?: string[] };
          const { type, n, devices = [] } = request;
          if (type === "hello" || type === "watch") for (const name of devices) watched.add(name);
          if (type === "renew") queueMicrotask(() => grant(n));
        });
      });
      return { close: () => undefined };
    },
  };
}
