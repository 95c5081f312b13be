import type { ChannelHandlers, GuardClient } from "../../src/index.ts";
import { leaseAnswerSchema, leaseRequestSchema } from "../../src/wire/index.ts";
import type { LeaseAnswer, LeaseRequest } from "../../src/wire/index.ts";

type Of<Type extends LeaseRequest["type"]> = Extract<LeaseRequest, { type: Type }>;

/** The other end of a lease channel, as a test says. Every message is checked against the schemas. */
export interface ScriptedLeases {
  readonly client: GuardClient;
  /** Messages that arrived, in order. */
  readonly requests: readonly LeaseRequest[];
  /** Whether renewals and strict checks are answered as they arrive. @default true */
  answers: boolean;
  /** Devices that are denied. */
  readonly denied: Set<string>;
  ttlMs: number;
  version: number;
  /** How many channels were opened. */
  readonly opened: number;
  all<Type extends LeaseRequest["type"]>(type: Type): Of<Type>[];
  /** Answers renewal `n` with what holds now. */
  grant(n: number): void;
  /** Answers a strict check with what holds now. */
  decide(check: Of<"check"> | undefined): void;
  push(answer: LeaseAnswer): void;
  /** Sends what may be no message at all. */
  raw(frame: string): void;
  /** Stops devices: from now on they are denied, and the stop is pushed. */
  stop(...devices: string[]): void;
  /** Ends the connection. */
  cut(): void;
  /** Refuses connections from now on. */
  refuses: boolean;
  /** Told of each message as it arrives. */
  onRequest: ((request: LeaseRequest) => void) | undefined;
}

type Decision = Extract<LeaseAnswer, { type: "grant" }>["decisions"][string];

/** For how long a strict answer is good, in milliseconds. */
const VALID_MS = 2000;
const REQUEST_ID = "fbf77ff5-06ed-42eb-8e07-024c32ef1e68";

export function scriptedLeases(): ScriptedLeases {
  const requests: LeaseRequest[] = [];
  const denied = new Set<string>();
  const devices = new Set<string>();
  let handlers: ChannelHandlers | undefined;
  let opened = 0;

  const push = (answer: LeaseAnswer): void => {
    handlers?.received(JSON.stringify(leaseAnswerSchema.parse(answer)));
  };
  const decisionOn = (device: string): Decision => ({
    allowed: !denied.has(device),
    code: denied.has(device) ? "DEVICE_REVOKED" : "ALLOW",
    request_id: REQUEST_ID,
  });
  const decide = (names: Iterable<string>): Record<string, Decision> =>
    Object.fromEntries([...names].map((name) => [name, decisionOn(name)]));
  const script: ScriptedLeases = {
    requests,
    denied,
    answers: true,
    refuses: false,
    onRequest: undefined,
    ttlMs: 10_000,
    version: 1,
    get opened() {
      return opened;
    },
    all: <Type extends LeaseRequest["type"]>(type: Type) =>
      requests.filter((request): request is Of<Type> => request.type === type),
    push,
    raw: (frame) => handlers?.received(frame),
    grant(n) {
      const decisions = decide(devices);
      push({ type: "grant", n, ttl_ms: script.ttlMs, version: script.version, decisions });
    },
    decide(check) {
      const { n, devices: asked } = check ?? { n: -1, devices: [] };
      const decisions = decide(asked);
      push({ type: "decision", n, valid_ms: VALID_MS, version: script.version, decisions });
    },
    stop(...names) {
      script.version += 1;
      for (const name of names) denied.add(name);
      const { version } = script;
      push({
        type: "stop",
        version,
        devices: names,
        code: "DEVICE_REVOKED",
        request_id: REQUEST_ID,
      });
    },
    cut() {
      const cut = handlers;
      handlers = undefined;
      cut?.closed();
    },
    client: {
      request: async () => {
        throw new Error("this script speaks no HTTP");
      },
      openLeaseChannel: async (given) => {
        opened += 1;
        const close = (): void => {
          if (handlers === given) script.cut();
        };
        queueMicrotask(() => {
          if (script.refuses) {
            given.closed();
            return;
          }
          handlers = given;
          given.opened((text) => {
            if (handlers === given) take(leaseRequestSchema.parse(JSON.parse(text)));
          });
        });
        return { close };
      },
    },
  };

  function take(request: LeaseRequest): void {
    requests.push(request);
    script.onRequest?.(request);
    if (request.type === "hello" || request.type === "watch") {
      for (const name of request.devices) devices.add(name);
    }
    if (request.type === "unwatch") for (const name of request.devices) devices.delete(name);
    if (request.type === "renew" && script.answers) queueMicrotask(() => script.grant(request.n));
    if (request.type === "check" && script.answers) queueMicrotask(() => script.decide(request));
  }
  return script;
}
