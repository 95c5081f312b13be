import { randomUUID } from "node:crypto";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { LeanChannel } from "./lean-channel.ts";
import { serveParent } from "./process.ts";

/*
 * Strict checks over a lease channel, as many waiting at once as there are devices:
 * `channel` by a client that costs next to nothing, as the load over HTTP does,
 * `guards` by a guard for each device, and `guard` all by the guard of one.
 */

/** What to ask for, and for how long. */
export interface CheckOrder {
  readonly milliseconds: number;
}

export interface CheckReport {
  readonly checksPerSecond: number;
}

const [way = "", port = "", key = "", ...devices] = process.argv.slice(2);

/** Of one length throughout, and with it what is asked and answered. */
const FIRST_N = 1_000_000;

/**
 * What waits goes into one message when the one before is answered. The first answer
 * is read, and those after it, all of its length, are counted by their bytes.
 */
async function overChannel(): Promise<(milliseconds: number) => Promise<number>> {
  const open = Promise.withResolvers<void>();
  const rest = `,"devices":${JSON.stringify(devices)}}`;
  let n = FIRST_N;
  let checks = 0;
  let end = 0;
  let length: number | undefined;
  let ended = (): void => undefined;
  const ask = (): void => {
    n += 1;
    channel.send(`{"type":"check","n":${n}${rest}`);
  };
  const channel = new LeanChannel(Number(port), key, {
    opened: () => open.resolve(),
    received(data, from, to) {
      length ??= lengthOfAllowed(data.toString("latin1", from, to));
      if (to - from !== length) throw new Error("answers differ in length");
      checks += devices.length;
      if (performance.now() < end) ask();
      else ended();
    },
  });
  await open.promise;
  channel.send(JSON.stringify({ type: "hello", session: randomUUID(), devices: [] }));
  return async (milliseconds) => {
    checks = 0;
    end = performance.now() + milliseconds;
    const over = Promise.withResolvers<void>();
    ended = over.resolve;
    ask();
    await over.promise;
    return checks;
  };
}

function lengthOfAllowed(answer: string): number {
  const allowed = answer.split('"allowed":true').length - 1;
  if (allowed !== devices.length) throw new Error(`not all are allowed: ${answer}`);
  return answer.length;
}

/** @param names of the devices whose guards ask, by turns */
async function byGuards(
  names: readonly string[],
): Promise<(milliseconds: number) => Promise<number>> {
  const client = new MachineID({ orgKey: key, baseUrl: `http://127.0.0.1:${port}` });
  const guards = await Promise.all(
    names.map(async (deviceId): Promise<Guard> => {
      const guard = createGuard(client, { deviceId, enforcement: "lease", register: false });
      await guard.start();
      return guard;
    }),
  );
  return async (milliseconds) => {
    const end = performance.now() + milliseconds;
    let checks = 0;
    const work = async (guard: Guard): Promise<void> => {
      while (performance.now() < end) {
        await guard.check({ kind: "tool", name: "bench" }, { strict: true });
        checks += 1;
      }
    };
    await Promise.all(devices.flatMap((_, at) => guards[at % guards.length] ?? []).map(work));
    return checks;
  };
}

const WAYS: Readonly<Record<string, () => Promise<(milliseconds: number) => Promise<number>>>> = {
  channel: overChannel,
  guards: () => byGuards(devices),
  guard: () => byGuards(devices.slice(0, 1)),
};
const checksIn = await WAYS[way]?.();
if (checksIn === undefined) throw new Error(`no such way: ${way}`);
await serveParent(async ({ milliseconds }: CheckOrder): Promise<CheckReport> => {
  const began = performance.now();
  const checks = await checksIn(milliseconds);
  return { checksPerSecond: (checks / (performance.now() - began)) * 1_000 };
});
process.exit(0);
