import { post, sharedNow } from "./support/authority-calls.ts";
import type { BenchAuthority } from "./support/authority-calls.ts";
import { quantile } from "./support/compare.ts";
import { startPeer } from "./support/process.ts";

/**
 * From a revoke being sent to the signal of a running tool being aborted, in another
 * process: request, commit, push, and what a guard does with it.
 */
const STOPS = Number(process.argv[2] ?? 300);
const TARGET_MS = 2;
const WARM_UP = 50;
const DEVICE = "worker:bench:abort:1";

await using peer = startPeer("authority-server.ts", 0);
const authority = await peer.hear<BenchAuthority>();
await post(authority, "devices/register", { deviceId: DEVICE });
const { port, ownerKey } = authority;
await using guard = startPeer("stopped-guard.ts", 1, [String(port), ownerKey, DEVICE]);
const times: number[] = [];
for (let stop = 0; stop < WARM_UP + STOPS; stop += 1) {
  await guard.ask("run");
  const aborted = guard.ask<{ atMs: number }>("aborted");
  const sentMs = sharedNow();
  await post(authority, "devices/revoke", { deviceId: DEVICE });
  const { atMs } = await aborted;
  if (stop >= WARM_UP) times.push(atMs - sentMs);
  await post(authority, "devices/unrevoke", { deviceId: DEVICE });
}
const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
process.stdout.write(
  `revoke to the AbortSignal of a running tool, ${STOPS} times: p50 ${p50.toFixed(2)} ms (target ${TARGET_MS}), p99 ${p99.toFixed(2)} ms\n`,
);
process.exitCode = p50 <= TARGET_MS ? 0 : 1;
