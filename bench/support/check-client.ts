import { once } from "node:events";
import { connect } from "node:net";
import { createGuard, MachineID } from "../../src/index.ts";
import { median } from "./compare.ts";
import { serveParent } from "./process.ts";

/**
 * Asks over and over in the way it is told, one call at a time, and says how long
 * the middle one took and what processor time each cost. The first message warms
 * up: what is measured is a process that has run for a while.
 */
const WARM_UP_CALLS = 20_000;
const CALLS = 2000;
const [way = "", echoPort = "", httpPort = ""] = process.argv.slice(2);

const socket = connect(Number(echoPort), "127.0.0.1").setNoDelay(true);
await once(socket, "connect");
const message = Buffer.alloc(250, "x");

function echo(): Promise<void> {
  return new Promise((resolve) => {
    let received = 0;
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      if (received < message.length) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
    socket.write(message);
  });
}

const baseUrl = `http://127.0.0.1:${httpPort}`;
const body = JSON.stringify({ deviceId: "bench" });
const headers = { "content-type": "application/json", "x-org-key": "org_bench" };

function checkOver(options: { fetch?: typeof fetch }): () => Promise<unknown> {
  const client = new MachineID({ orgKey: "org_bench", baseUrl, ...options });
  const guard = createGuard(client, { deviceId: "bench", onEvent: () => undefined });
  return () => guard.check({ kind: "tool", name: "bench" });
}

async function bareFetch(): Promise<unknown> {
  const url = `${baseUrl}/api/v1/devices/validate`;
  return (await fetch(url, { method: "POST", headers, body })).json();
}

const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
  "TCP echo": echo,
  "strict check": checkOver({}),
  "strict check by fetch": checkOver({ fetch }),
  "bare fetch": bareFetch,
};

const call = WAYS[way];
if (call === undefined) throw new Error(`no such way: ${way}`);
for (let index = 0; index < WARM_UP_CALLS; index += 1) await call();

await serveParent(async () => {
  const samples: number[] = [];
  const before = process.cpuUsage();
  for (let index = 0; index < CALLS; index += 1) {
    const startedMs = performance.now();
    await call();
    samples.push((performance.now() - startedMs) * 1000);
  }
  const { user, system } = process.cpuUsage(before);
  return { p50Us: median(samples), cpuUs: (user + system) / CALLS };
});
socket.destroy();
