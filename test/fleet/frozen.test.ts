import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { startTestAuthority } from "../support/authority.ts";

const WORKER = fileURLToPath(new URL("frozen-worker.ts", import.meta.url));

/** Nobody tells when a process is stopped: the kernel's own account of it is read. */
async function frozen(pid: number): Promise<void> {
  const state = (): string | undefined =>
    /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  while (state() !== "T") await delay(5);
}

it.skipIf(process.platform !== "linux")(
  "a process frozen between its last look and its work begins one body late, and its token is refused",
  { timeout: 30_000 },
  async () => {
    await using authority = await startTestAuthority({ leaseTtlMs: 500 });
    const { url, ownerKey } = authority;
    const deviceId = "fleet:frozen:0";
    const child = spawn(process.execPath, [WORKER, url, ownerKey, deviceId], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const read = async (): Promise<Record<string, unknown>> =>
        JSON.parse((await lines.next()).value ?? "{}") as Record<string, unknown>;
      const first = await read();
      await frozen(child.pid ?? 0);

      const answer = await fetch(`${url}/api/v1/devices/revoke`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-org-key": ownerKey },
        body: JSON.stringify({ deviceId, wait: "fenced", timeout_ms: 10_000 }),
      });
      const fencedAt = process.hrtime.bigint();
      const { stop } = (await answer.json()) as { stop: { state: string; version: number } };
      // Nobody promises that it runs nothing any more: its session is lost.
      expect(stop.state).toBe("fenced");

      child.kill("SIGCONT");
      const late = await read();
      expect(BigInt(String(late["at"]))).toBeGreaterThan(fencedAt);
      // A resource that was told of the stop knows the late one by its token.
      expect(late["fence"]).toBe(first["fence"]);
      expect(Number(late["fence"])).toBeLessThan(stop.version);
      expect(await read()).toEqual({ refused: "ExecutionDeniedError" });
      await once(child, "exit");
    } finally {
      child.kill("SIGKILL");
    }
  },
);
