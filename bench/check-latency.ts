import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createGuard, MachineID } from "../src/index.ts";

const ROUNDS = 9;
const CALLS = 2000;
const TARGET_LATENCY = 1.5;
const TARGET_CPU = 0.25;

const child = fork(new URL("support/loopback-servers.ts", import.meta.url), {
  stdio: ["ignore", "pipe", "inherit", "ipc"],
});
const [line] = (await once(child.stdout ?? process.stdin, "data")) as [Buffer];
const ports = JSON.parse(line.toString()) as { echo: number; http: number };

const socket = connect(ports.echo, "127.0.0.1").setNoDelay(true);
await once(socket, "connect");
const message = Buffer.alloc(250, "x");

function echo(on: Socket): Promise<void> {
  return new Promise((resolve) => {
    let received = 0;
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      if (received < message.length) return;
      on.off("data", onData);
      resolve();
    };
    on.on("data", onData);
    on.write(message);
  });
}

const baseUrl = `http://127.0.0.1:${ports.http}`;
const guardOver = (options: { fetch?: typeof fetch }): (() => Promise<unknown>) => {
  const client = new MachineID({ orgKey: "org_bench", baseUrl, ...options });
  const guard = createGuard(client, { deviceId: "bench", register: false, onEvent: () => undefined });
  return () => guard.check({ kind: "tool", name: "bench" });
};
const body = JSON.stringify({ deviceId: "bench" });
const headers = { "content-type": "application/json", "x-org-key": "org_bench" };

const contenders: Record<string, () => Promise<unknown>> = {
  "TCP echo": () => echo(socket),
  "strict check": guardOver({}),
  "strict check, by fetch": guardOver({ fetch }),
  "bare fetch": async () =>
    (await fetch(`${baseUrl}/api/v1/devices/validate`, { method: "POST", headers, body })).json(),
};

interface Measurement {
  readonly p50Us: number;
  readonly cpuUs: number;
}

async function measure(call: () => Promise<unknown>): Promise<Measurement> {
  const samples = new Float64Array(CALLS);
  const cpu = process.cpuUsage();
  for (let index = 0; index < CALLS; index += 1) {
    const start = performance.now();
    await call();
    samples[index] = (performance.now() - start) * 1000;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { p50Us: median([...samples]), cpuUs: (user + system) / CALLS };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const results = new Map<string, Measurement[]>(Object.keys(contenders).map((name) => [name, []]));
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [name, call] of Object.entries(contenders)) {
    const measurement = await measure(call);
    if (round >= 0) results.get(name)?.push(measurement);
  }
}
socket.destroy();
child.disconnect();

const of = (name: string, field: keyof Measurement): number =>
  median((results.get(name) ?? []).map((measurement) => measurement[field]));

for (const [name, measurements] of results) {
  const latencies = measurements.map(({ p50Us }) => p50Us);
  process.stdout.write(
    `${name.padEnd(24)} p50 ${of(name, "p50Us").toFixed(0)} µs ` +
      `(${Math.min(...latencies).toFixed(0)} to ${Math.max(...latencies).toFixed(0)}), ` +
      `CPU ${of(name, "cpuUs").toFixed(0)} µs\n`,
  );
}
const latency = of("strict check", "p50Us") / of("TCP echo", "p50Us");
const cpu = of("strict check", "cpuUs") / of("bare fetch", "cpuUs");
const isWithin = latency <= TARGET_LATENCY && cpu <= TARGET_CPU;
process.stdout.write(
  `one strict check: ${latency.toFixed(2)} × a TCP echo (target ≤ ${TARGET_LATENCY}), ` +
    `${cpu.toFixed(2)} × the CPU of bare fetch (target ≤ ${TARGET_CPU}): ${isWithin ? "met" : "MISSED"}\n`,
);
process.exitCode = isWithin ? 0 : 1;
