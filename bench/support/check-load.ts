import { randomUUID } from "node:crypto";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { LeanChannel } from "./lean-channel.ts";
import { serveParent } from "./process.ts";

/*
 * Strict checks over a lease channel, as many waiting at once as there are devices:
 * `channel` by a client that costs next to nothing, as the load over HTTP does, and
 * `guards` by guards.
 */

/** What to ask for, and for how long. */
export interface CheckOrder {
  readonly milliseconds: number;
}

export interface CheckReport {
  readonly checksPerSecond: number;
}

const [way = "", port = "", key = "", ...devices] = process.argv.slice(2);

/** What waits goes into one message when the one before is answered. */
async function overChannel(): Promise<(milliseconds: number) => Promise<number>> {
  const ALLOWED = Buffer.from('"allowed":true');
  const open = Promise.withResolvers<void>();
  const head = `,"devices":${JSON.stringify(devices)}}`;
  let n = 0;
  let checks = 0;
  let end = 0;
  let ended = (): void => undefined;
  const ask = (): void => {
    n += 1;
    channel.send(`{"type":"check","n":${n}${head}`);
  };
  const channel = new LeanChannel(Number(port), key, {
    opened: () => open.resolve(),
    received(data, from, to) {
      let at = data.indexOf(ALLOWED, from);
      for (; at > 0 && at < to; at = data.indexOf(ALLOWED, at + ALLOWED.length)) checks += 1;
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

async function byGuards(): Promise<(milliseconds: number) => Promise<number>> {
  const client = new MachineID({ orgKey: key, baseUrl: `http://127.0.0.1:${port}` });
  const guards = await Promise.all(
    devices.map(async (deviceId): Promise<Guard> => {
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
    await Promise.all(guards.map(work));
    return checks;
  };
}

const checksIn = await (way === "guards" ? byGuards() : overChannel());
await serveParent(async ({ milliseconds }: CheckOrder): Promise<CheckReport> => {
  const began = performance.now();
  const checks = await checksIn(milliseconds);
  return { checksPerSecond: (checks / (performance.now() - began)) * 1_000 };
});
process.exit(0);
