import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createMachineIDServer } from "../../../integrations/mcp/index.ts";
import { createAuthority, sqliteStore } from "../../../src/authority/index.ts";
import type { Authority } from "../../../src/authority/index.ts";
import { MachineID } from "../../../src/index.ts";
import type { GuardClient } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";

const DEVICES = "machineid://devices";
const USAGE = "machineid://usage";
const POLL_MS = 10;

let authority: Authority;
let machineid: MachineID;

beforeAll(async () => {
  authority = createAuthority({ store: await sqliteStore(":memory:") });
  const { ownerKey = "" } = await authority.bootstrap();
  const { url } = await authority.listen();
  machineid = new MachineID({ orgKey: ownerKey, baseUrl: url });
});

afterAll(() => authority.close());

/** A client that tells of the looks taken at the authority through it. */
class Watched implements GuardClient {
  looks = 0;
  readonly #client: GuardClient;
  #waiting: { until: number; resolve: () => void }[] = [];

  constructor(client: GuardClient) {
    this.#client = client;
  }

  async request(...call: Parameters<GuardClient["request"]>): ReturnType<GuardClient["request"]> {
    try {
      return await this.#client.request(...call);
    } finally {
      this.looks += 1;
      for (const { resolve } of this.#waiting.filter(({ until }) => until <= this.looks)) resolve();
    }
  }

  /** Resolves after so many more looks. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ until: this.looks + count, resolve });
    });
  }
}

interface Subscriber extends AsyncDisposable {
  readonly client: Client;
  readonly watched: Watched;
  /** URIs that it was told of, in order. */
  readonly updates: readonly string[];
  readonly logs: readonly unknown[];
}

async function connect(
  server: ReturnType<typeof createMachineIDServer>,
  watched: Watched,
): Promise<Subscriber> {
  const client = new Client({ name: "test", version: "1" });
  const updates: string[] = [];
  const logs: unknown[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updates.push(params.uri);
  });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logs.push(params);
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(far), client.connect(near)]);
  return {
    client,
    watched,
    updates,
    logs,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function subscriber(
  client: GuardClient = machineid,
  pollIntervalMs: number = POLL_MS,
): Promise<Subscriber> {
  const watched = new Watched(client);
  return connect(createMachineIDServer(watched, { pollIntervalMs }), watched);
}

/** Waits until another subscriber has been polled a few times: then others would have been, too. */
async function whileOthersArePolled(): Promise<void> {
  await using metronome = await subscriber();
  await metronome.client.subscribeResource({ uri: USAGE });
  await metronome.watched.more(5);
}

let count = 0;
let deviceId = "";
beforeEach(async () => {
  deviceId = `watched/${(count += 1)}`;
  await machineid.register(deviceId);
});

const uriOf = (id: string): string => `${DEVICES}/${encodeURIComponent(id)}`;

test("a subscriber is told of a change, once, and of what it subscribed to", async () => {
  await using one = await subscriber();
  const uri = uriOf(deviceId);
  await one.client.subscribeResource({ uri });
  await machineid.register(`${deviceId}/other`);
  await machineid.revoke(deviceId);
  await expect.poll(() => one.updates).toEqual([uri]);
  await one.watched.more(3);
  expect(one.updates).toEqual([uri]);
  await machineid.unrevoke(deviceId);
  await expect.poll(() => one.updates).toEqual([uri, uri]);
  await machineid.remove(deviceId);
  await expect.poll(() => one.updates).toEqual([uri, uri, uri]);
});

test("devices and usage change when a device is registered", async () => {
  await using one = await subscriber();
  await one.client.subscribeResource({ uri: DEVICES });
  await one.client.subscribeResource({ uri: USAGE });
  await machineid.register(`${deviceId}/new`);
  await expect.poll(() => one.updates.toSorted()).toEqual([DEVICES, USAGE]);
});

test("a check is no change", async () => {
  await using one = await subscriber();
  await one.client.subscribeResource({ uri: DEVICES });
  await one.client.subscribeResource({ uri: uriOf(deviceId) });
  await machineid.validate(deviceId);
  await one.watched.more(4);
  expect(one.updates).toEqual([]);
});

test("nobody is polled for who has not subscribed", async () => {
  await using idle = await subscriber();
  const before = idle.watched.looks;
  await idle.client.listTools();
  await whileOthersArePolled();
  expect(idle.watched.looks).toBe(before);
});

test("polling ends with the last subscription", async () => {
  await using one = await subscriber();
  const uri = uriOf(deviceId);
  await one.client.subscribeResource({ uri: USAGE });
  await one.client.subscribeResource({ uri });
  await one.watched.more(4);
  await one.client.unsubscribeResource({ uri: USAGE });
  await machineid.revoke(deviceId);
  await expect.poll(() => one.updates).toEqual([uri]);
  await one.client.unsubscribeResource({ uri });
  // What was under way may still be counted.
  await whileOthersArePolled();
  const before = one.watched.looks;
  await whileOthersArePolled();
  expect(one.watched.looks).toBe(before);
  await machineid.unrevoke(deviceId);
  await whileOthersArePolled();
  expect(one.updates).toEqual([uri]);
});

test("no timer runs for a session without a subscription", async () => {
  const ownInterval = 13;
  const timers = vi.spyOn(globalThis, "setTimeout");
  const started = (): number => timers.mock.calls.filter(([, ms]) => ms === ownInterval).length;
  try {
    await using one = await subscriber(machineid, ownInterval);
    expect(started()).toBe(0);
    await one.client.subscribeResource({ uri: USAGE });
    await one.watched.more(2);
    expect(started()).toBeGreaterThan(0);
    await one.client.unsubscribeResource({ uri: USAGE });
    const before = started();
    await whileOthersArePolled();
    expect(started()).toBe(before);
  } finally {
    timers.mockRestore();
  }
});

test("unsubscribing and subscribing again polls once per interval, not twice", async () => {
  await using one = await subscriber();
  for (let turn = 0; turn < 5; turn += 1) {
    await one.client.subscribeResource({ uri: USAGE });
    await one.client.subscribeResource({ uri: USAGE });
    await one.client.unsubscribeResource({ uri: USAGE });
  }
  await one.client.subscribeResource({ uri: DEVICES });
  await machineid.register(`${deviceId}/once`);
  await expect.poll(() => one.updates).toEqual([DEVICES]);
  await one.watched.more(5);
  expect(one.updates).toEqual([DEVICES]);
});

test("polling ends with the session", async () => {
  const gone = await subscriber();
  await gone.client.subscribeResource({ uri: DEVICES });
  await gone.watched.more(2);
  await gone.client.close();
  await whileOthersArePolled();
  const before = gone.watched.looks;
  await whileOthersArePolled();
  expect(gone.watched.looks).toBe(before);
});

test("a server that is connected anew tells the new client nothing of the old one's", async () => {
  const watched = new Watched(machineid);
  const server = createMachineIDServer(watched, { pollIntervalMs: POLL_MS });
  const first = await connect(server, watched);
  await first.client.subscribeResource({ uri: uriOf(deviceId) });
  await first.client.close();
  await using second = await connect(server, watched);
  await second.client.subscribeResource({ uri: USAGE });
  await machineid.revoke(deviceId);
  await expect.poll(() => second.updates).toEqual([USAGE]);
  await watched.more(3);
  expect(second.updates).toEqual([USAGE]);
  expect(first.updates).toEqual([]);
});

test("an outage is no change; it is logged once, and so is its end", async () => {
  await using broken = await startScriptedAuthority();
  const scripted = broken.client();
  let isDown = false;
  const client: GuardClient = {
    request: (...call) => (isDown ? scripted : machineid).request(...call),
  };
  await using one = await subscriber(client);
  await one.client.subscribeResource({ uri: DEVICES });
  await broken.become("down");
  isDown = true;
  await expect.poll(() => one.logs).toHaveLength(1);
  await one.watched.more(3);
  expect(one.logs).toEqual([
    {
      level: "warning",
      logger: "machineid",
      data: expect.stringMatching(/^AUTHORITY_UNREACHABLE: /),
    },
  ]);
  await machineid.revoke(deviceId);
  isDown = false;
  await expect.poll(() => one.updates).toEqual([DEVICES]);
  expect(one.logs).toEqual([expect.anything(), expect.objectContaining({ level: "info" })]);
});

test("a client says how much it wants logged", async () => {
  await using broken = await startScriptedAuthority();
  const scripted = broken.client();
  let isDown = false;
  const client: GuardClient = {
    request: (...call) => (isDown ? scripted : machineid).request(...call),
  };
  await using one = await subscriber(client);
  await one.client.setLoggingLevel("error");
  await one.client.subscribeResource({ uri: DEVICES });
  await broken.become("down");
  isDown = true;
  await one.watched.more(3);
  isDown = false;
  await machineid.revoke(deviceId);
  await expect.poll(() => one.updates).toEqual([DEVICES]);
  expect(one.logs).toEqual([]);
});
