import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createGuard, MachineID } from "../src/index.ts";
import { interleave, quantile } from "./support/compare.ts";
import { startPeer } from "./support/process.ts";

/**
 * A `tools/call` through the gate beside the same call without it, over stdio
 * and over HTTP. What the gate adds is the check, which is measured alone, too,
 * and its own share: reading, writing and handing on every message once more.
 */
const ROUNDS = 7;
const CALLS = 150;
const DEVICE = "bench:mcp:gate";
const SERVER = fileURLToPath(new URL("support/mcp-server.ts", import.meta.url));
const CLI = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

interface Contestant {
  readonly name: string;
  readonly call: () => Promise<unknown>;
}

/** Measures and prints. There is no target: a check's share belongs to the authority. */
export async function benchMcpGate(): Promise<void> {
  await using authority = startPeer("authority-server.ts", 0);
  const { port, ownerKey } = await authority.hear<{ port: number; ownerKey: string }>();
  const baseUrl = `http://127.0.0.1:${port}`;
  const machineid = new MachineID({ orgKey: ownerKey, baseUrl });
  await machineid.register(DEVICE);
  const guard = createGuard(machineid, { deviceId: DEVICE, register: false });

  await using served = startPeer("mcp-server.ts", 1, ["http"]);
  await using gated = startPeer("mcp-server.ts", 1, ["http"]);
  const urlOf = async (peer: typeof served): Promise<URL> => {
    const { port } = await peer.hear<{ port: number }>();
    return new URL(`http://127.0.0.1:${port}/mcp`);
  };
  const env = { ...process.env, MACHINEID_BASE_URL: baseUrl, MACHINEID_ORG_KEY: ownerKey };
  await using front = await startHttpGate(await urlOf(gated), env);
  const spawned = (args: readonly string[]): Transport =>
    new StdioClientTransport({
      command: process.execPath,
      args: [...args],
      env,
    });
  const transports: Readonly<Record<string, Transport>> = {
    "stdio, no gate": spawned([SERVER]),
    "stdio, gated": spawned([CLI, "gate", "--device", DEVICE, "--", process.execPath, SERVER]),
    "HTTP, no gate": new StreamableHTTPClientTransport(await urlOf(served)),
    "HTTP, gated": new StreamableHTTPClientTransport(front.url),
  };
  const clients = await Promise.all(Object.values(transports).map((each) => connect(each)));
  const contestants: Contestant[] = Object.keys(transports).map((name, place) => ({
    name,
    call: async () => {
      const answer = await clients[place]?.callTool({ name: "nothing" });
      if (answer === undefined || answer.isError === true) throw new Error(`${name} was refused`);
    },
  }));
  contestants.push({ name: "the check alone", call: () => guard.check({ kind: "tool" }) });

  for (const contestant of contestants) await sample(contestant);
  const samples: Samples = new Map();
  await interleave(contestants, ROUNDS, async (contestant) => {
    const taken = await sample(contestant);
    samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), taken]);
    return quantile(taken, 0.5);
  });
  report(samples);
  await Promise.all(clients.map((client) => client.close()));
}

/** `machineid gate --http` in a process of its own. */
async function startHttpGate(
  upstream: URL,
  env: NodeJS.ProcessEnv,
): Promise<AsyncDisposable & { readonly url: URL }> {
  const args = [CLI, "gate", "--device", DEVICE, "--url", upstream.href, "--http", "--port", "0"];
  const gate = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(gate, "exit");
  const [line] = (await once(createInterface(gate.stderr), "line")) as [string];
  return {
    url: new URL(line.slice(line.indexOf("http"))),
    async [Symbol.asyncDispose]() {
      gate.kill("SIGTERM");
      await exited;
    },
  };
}

async function connect(transport: Transport): Promise<Client> {
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(transport);
  return client;
}

/** Milliseconds of each call. */
async function sample({ call }: Contestant): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let index = 0; index < CALLS; index += 1) {
    const startedMs = performance.now();
    await call();
    taken.push(performance.now() - startedMs);
  }
  return taken;
}

/** Milliseconds of each call, by round. */
type Samples = Map<string, (readonly number[])[]>;

function report(samples: Samples): void {
  const at = (name: string, share: number): number =>
    quantile((samples.get(name) ?? []).flat(), share);
  const both = (value: (share: number) => number): string =>
    `p50 ${value(0.5).toFixed(2)} ms   p99 ${value(0.99).toFixed(2)} ms`;
  const lines = [...samples.keys()].map(
    (name) => `  ${name.padEnd(16)}${both((share) => at(name, share))}`,
  );
  // A machine changes its pace while one measures, so rounds are compared one by one.
  const own = (way: string, share: number): number => {
    const byRound = ["gated", "no gate"].map((kind) => samples.get(`${way}, ${kind}`) ?? []);
    const [gated = [], bare = []] = byRound;
    const checks = samples.get("the check alone") ?? [];
    const shares = gated.map((round, place) => {
      const without = quantile(bare[place] ?? [], share) + quantile(checks[place] ?? [], share);
      return quantile(round, share) - without;
    });
    return quantile(shares, 0.5);
  };
  const shares = ["stdio", "HTTP"].map(
    (way) => `  the gate's own share over ${way.padEnd(6)}${both((share) => own(way, share))}`,
  );
  process.stdout.write(
    [`an MCP tool call, ${ROUNDS} rounds of ${CALLS}`, ...lines, ...shares, ""].join("\n"),
  );
}

if (import.meta.main) await benchMcpGate();
