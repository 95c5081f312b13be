import type { FleetStopped } from "./support/lease-fleet-client.ts";
import { quantile } from "./support/compare.ts";
import { startPeer } from "./support/process.ts";

const GUARDS = Number(process.argv[2] ?? 10_000);
const STOPS = Number(process.argv[3] ?? 200);
const nameOf = (index: number): string => `worker:bench:fleet:${String(index).padStart(5, "0")}`;
const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;

interface Authority {
  readonly port: number;
  readonly ownerKey: string;
}
async function post({ port, ownerKey }: Authority, path: string, body: object): Promise<object> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
    method: "POST",
    headers: { "x-org-key": ownerKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as object;
}
async function each(count: number, job: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await job(next - 1);
    }
  };
  await Promise.all(Array.from({ length: 100 }, work));
}

for (const kind of (process.argv[4] ?? "org,device").split(",")) {
  await using peer = startPeer("authority-server.ts", 0);
  const authority = await peer.hear<Authority>();
  await using fleet = startPeer("lease-fleet-client.ts", 1);
  const names = Array.from({ length: GUARDS }, (_, i) => nameOf(kind === "org" ? i : 0));
  await each(new Set(names).size, (i) =>
    post(authority, "devices/register", { deviceId: nameOf(i) }),
  );
  await fleet.ask({ order: "open", port: authority.port, key: authority.ownerKey, devices: names });
  const firsts: number[] = [],
    lasts: number[] = [],
    knowns: number[] = [],
    again: number[] = [];
  for (let i = 0; i < STOPS; i += 1) {
    await fleet.ask({ order: "arm" });
    const began = sharedNow();
    const stopped = fleet.ask<FleetStopped>({ order: "stopped" });
    const answer = await post(authority, kind === "org" ? "org/stop" : "devices/revoke", {
      ...(kind === "org" ? {} : { deviceId: nameOf(0) }),
      wait: "drained",
      timeout_ms: 60_000,
    });
    knowns.push(sharedNow() - began);
    const { firstMs, lastMs } = await stopped;
    if (i === 0) console.log(JSON.stringify(answer));
    firsts.push(firstMs - began);
    lasts.push(lastMs - began);
    const resuming = sharedNow();
    await post(
      authority,
      kind === "org" ? "org/resume" : "devices/unrevoke",
      kind === "org" ? {} : { deviceId: nameOf(0) },
    );
    await fleet.ask({ order: "leased" });
    again.push(sharedNow() - resuming);
  }
  const say = (n: string, v: number[]) =>
    console.log(
      kind,
      n,
      "p50",
      quantile(v, 0.5).toFixed(1),
      "p99",
      quantile(v, 0.99).toFixed(1),
      "min",
      Math.min(...v).toFixed(1),
    );
  say("first", firsts);
  say("last", lasts);
  say("known", knowns);
  say("releases", again);
}
