import { setTimeout as pause } from "node:timers/promises";
import type { Operation } from "./history.ts";

/** A client gives up on an answer after this, and knows nothing then. */
const PATIENCE_MS = 4_000;
/** After an answer that decides nothing, so that clients do not spin. */
const PAUSE_MS = 10;
/** At most so long a device stays as it is: long enough for checks that began since to be answered. */
const REST_MS = 40;

export interface WorkloadOptions {
  /** The addresses of the replicas that run, whenever it is asked. */
  readonly urls: () => readonly string[];
  readonly ownerKey: string;
  /** Devices that an operator of their own revokes and unrevokes, over and over. */
  readonly devices: number;
  /** Who asks for decisions on each of those. */
  readonly checkersPerDevice: number;
  /** Who registers and removes devices of their own, all at once, against the cap. */
  readonly registrars: number;
}

const random = (below: number): number => Math.floor(Math.random() * below);

/** Clients of several replicas at once, and all that they saw. */
export class Workload {
  readonly operations: Operation[] = [];
  readonly #options: WorkloadOptions;
  readonly #stopped = new AbortController();
  readonly #clients: Promise<void>[] = [];
  readonly #watchers = new Set<() => void>();
  #decided = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    for (let place = 0; place < options.devices; place += 1) {
      this.#clients.push(this.#operate(place));
    }
    for (let place = 0; place < options.registrars; place += 1) {
      this.#clients.push(this.#register(place));
    }
  }

  /** Resolves after so many further decisions were answered. */
  decisions(count: number): Promise<void> {
    const target = this.#decided + count;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#decided < target) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#clients);
  }

  get #isRunning(): boolean {
    return !this.#stopped.signal.aborted;
  }

  /** Revokes and unrevokes one device in turns, while others ask for decisions on it. */
  async #operate(place: number): Promise<void> {
    for (let generation = 0; this.#isRunning; generation += 1) {
      const deviceId = `device-${place}-${generation}`;
      const life = new AbortController();
      const checkers = Array.from({ length: this.#options.checkersPerDevice }, () =>
        this.#check(deviceId, life.signal),
      );
      await this.#untilKnown("register", deviceId);
      let isKnown = true;
      while (this.#isRunning && isKnown) {
        await this.#untilKnown("revoke", deviceId);
        await pause(random(REST_MS));
        // One that nobody answered may still come: after any later revoke. It ends this device.
        isKnown = (await this.#ask("unrevoke", deviceId)).answeredAt < Number.POSITIVE_INFINITY;
        await pause(random(REST_MS));
      }
      life.abort();
      await Promise.all(checkers);
    }
  }

  async #check(deviceId: string, signal: AbortSignal): Promise<void> {
    while (this.#isRunning && !signal.aborted) await this.#ask("validate", deviceId);
  }

  async #register(place: number): Promise<void> {
    for (let turn = 0; this.#isRunning; turn += 1) {
      const deviceId = `guest-${place}-${turn}`;
      await this.#ask("register", deviceId);
      if (turn % 2 === 1) await this.#ask("remove", deviceId);
      else await this.#untilKnown("remove", `guest-${place}-${Math.max(0, turn - 2)}`);
    }
  }

  async #untilKnown(operation: Operation["operation"], deviceId: string): Promise<void> {
    while (this.#isRunning) {
      const { answeredAt } = await this.#ask(operation, deviceId);
      if (answeredAt < Number.POSITIVE_INFINITY) return;
    }
  }

  async #ask(operation: Operation["operation"], deviceId: string): Promise<Operation> {
    const urls = this.#options.urls();
    const url = urls[random(urls.length)];
    const sent = { operation, deviceId, sentAt: performance.now() };
    // Whoever looks while it is under way sees that it was sent, and that nobody knows what comes of it.
    const place = this.operations.push({ ...sent, answeredAt: Number.POSITIVE_INFINITY }) - 1;
    const answer = url === undefined ? undefined : await this.#post(url, operation, deviceId);
    const isKnown = answer !== undefined && answer.status < 500;
    const told: Operation = {
      ...sent,
      answeredAt: isKnown ? performance.now() : Number.POSITIVE_INFINITY,
      ...(isKnown ? outcomeOf(operation, answer) : {}),
    };
    this.operations[place] = told;
    if (!isKnown) await pause(PAUSE_MS);
    else if (operation === "validate") {
      this.#decided += 1;
      for (const watcher of this.#watchers) watcher();
    }
    return told;
  }

  async #post(url: string, operation: string, deviceId: string): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${url}/api/v1/devices/${operation}`, {
        method: "POST",
        headers: { "x-org-key": this.#options.ownerKey, "content-type": "application/json" },
        body: JSON.stringify({ deviceId }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      return { status: response.status, body: (await response.json()) as Answer["body"] };
    } catch {
      return undefined;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function outcomeOf(
  operation: Operation["operation"],
  { status, body }: Answer,
): Partial<Operation> {
  const requestId = String(body["request_id"]);
  const version = Number(body["version"]);
  if (operation === "validate") return { requestId, version, allowed: body["allowed"] === true };
  // What found no device changed nothing, and is in no audit.
  if (status === 404) return {};
  if (operation === "register") return { requestId, made: body["status"] === "ok" };
  return { requestId, made: body["changed"] === true, version };
}
