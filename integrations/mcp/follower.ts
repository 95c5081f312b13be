import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { CallOptions, GuardClient } from "../../src/index.ts";
import { listDevices, readUsage } from "./authority.ts";
import type { ListedDevice, Usage } from "./authority.ts";
import { codeOf, resourceNotFound } from "./failure.ts";
import type { ResourceName } from "./resource-uri.ts";

interface Subscription {
  readonly name: ResourceName;
  /** What it was when last looked at; undefined before it was. */
  seen: string | undefined;
}

/** What was read; what no subscription is about is undefined. */
interface Reading {
  readonly devices: readonly ListedDevice[] | undefined;
  readonly usage: Usage | undefined;
}

/**
 * Follows the resources that one session has subscribed to. The authority has no
 * way to push changes, so it is asked at an interval, and only while there is a
 * subscription.
 */
export class Follower {
  readonly #server: Server;
  readonly #client: GuardClient;
  readonly #intervalMs: number;
  /** The session: a server can be connected anew, to somebody else. */
  readonly #transport: Server["transport"];
  readonly #subscriptions = new Map<string, Subscription>();
  #polling: AbortController | undefined;
  #isBlind = false;

  constructor(server: Server, client: GuardClient, intervalMs: number) {
    this.#server = server;
    this.#client = client;
    this.#intervalMs = intervalMs;
    this.#transport = server.transport;
  }

  /** Whether this is the session that is connected now. */
  get isCurrent(): boolean {
    return this.#transport !== undefined && this.#server.transport === this.#transport;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** Looks at the resource, so that every change from then on is seen. */
  async add(uri: string, name: ResourceName, options: CallOptions): Promise<void> {
    if (this.#subscriptions.has(uri)) return;
    const subscription: Subscription = { name, seen: undefined };
    this.#subscriptions.set(uri, subscription);
    try {
      const seen = stateOf(name, await this.#read([subscription], options));
      if (seen === NO_DEVICE) throw resourceNotFound(uri);
      subscription.seen = seen;
    } catch (error) {
      if (this.#subscriptions.get(uri) === subscription) this.remove(uri);
      throw error;
    }
    if (this.size > 0) this.#start();
  }

  remove(uri: string): void {
    this.#subscriptions.delete(uri);
    if (this.size === 0) this.stop();
  }

  stop(): void {
    this.#subscriptions.clear();
    this.#polling?.abort();
    this.#polling = undefined;
  }

  #start(): void {
    if (this.#polling !== undefined) return;
    this.#polling = new AbortController();
    void this.#poll(this.#polling.signal);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.#intervalMs);
      if (signal.aborted) return;
      if (!this.isCurrent) {
        this.stop();
        return;
      }
      try {
        const reading = await this.#read([...this.#subscriptions.values()], { signal });
        this.#report(undefined);
        for (const [uri, subscription] of this.#subscriptions) {
          this.#compare(uri, subscription, reading);
        }
      } catch (error) {
        if (!signal.aborted) this.#report(error);
      }
    }
  }

  #compare(uri: string, subscription: Subscription, reading: Reading): void {
    const now = stateOf(subscription.name, reading);
    // What was subscribed to during the reading has not been looked at, or not read.
    if (subscription.seen === undefined || now === undefined || now === subscription.seen) return;
    subscription.seen = now;
    this.#send(() => this.#server.sendResourceUpdated({ uri }));
  }

  /** Says once that changes go unseen, and once that they are seen again. */
  #report(error: unknown): void {
    const isBlind = error !== undefined;
    if (isBlind === this.#isBlind) return;
    this.#isBlind = isBlind;
    const level = isBlind ? "warning" : "info";
    const data = isBlind
      ? `${codeOf(error)}: Changes of subscribed resources go unseen until the authority answers.`
      : "The authority answers again. Changes of subscribed resources are seen.";
    const message = { level, logger: "machineid", data } as const;
    this.#send(() => this.#server.sendLoggingMessage(message, this.#transport?.sessionId));
  }

  /** A session that has just ended cannot be told, and another one must not be. */
  #send(send: () => Promise<void>): void {
    if (this.isCurrent) void send().catch(() => undefined);
  }

  async #read(subscriptions: readonly Subscription[], options: CallOptions): Promise<Reading> {
    const isUsage = ({ name }: Subscription): boolean => name.kind === "usage";
    const [devices, usage] = await Promise.all([
      subscriptions.every(isUsage) ? undefined : listDevices(this.#client, options),
      subscriptions.some(isUsage) ? readUsage(this.#client, options) : undefined,
    ]);
    return { devices, usage };
  }
}

const NO_DEVICE = "none";

/** What a subscriber would see change. Devices check all the time, so that is no change. */
function stateOf(name: ResourceName, { devices, usage }: Reading): string | undefined {
  if (name.kind === "usage") return usage === undefined ? undefined : JSON.stringify(usage);
  if (devices === undefined) return undefined;
  const shown = devices.map(({ lastCheckAt: _lastCheckAt, ...device }) => device);
  if (name.kind === "devices") return JSON.stringify(shown);
  const device = shown.find(({ deviceId }) => deviceId === name.deviceId);
  return device === undefined ? NO_DEVICE : JSON.stringify(device);
}

/** Waits, and keeps no process alive for it. */
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer: { unref?: () => unknown } | number = setTimeout(resolve, ms);
    if (typeof timer === "object") timer.unref?.();
  });
