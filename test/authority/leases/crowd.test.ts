import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority, TestAuthorityOptions } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";

const CROWD = 1_000;

describe("a stop of a crowd", () => {
  let authority: TestAuthority;
  let crowd: LeaseClient[];

  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const start = async (options: TestAuthorityOptions = {}): Promise<void> => {
    // Time stands still: what is fenced is fenced because it was acknowledged.
    authority = await startTestAuthority({ monotonicMs: () => 1_000_000, ...options });
  };
  const gather = async (count: number, devicesOf: (index: number) => string[]): Promise<void> => {
    for (let from = 0; from < count; from += 100) {
      const some = Array.from({ length: Math.min(100, count - from) }, (_, index) =>
        LeaseClient.holding(authority.url, authority.ownerKey, devicesOf(from + index)),
      );
      crowd.push(...(await Promise.all(some)));
    }
  };

  beforeEach(() => {
    crowd = [];
  });
  afterEach(async () => {
    for (const { socket } of crowd) socket.terminate();
    await authority.close();
  });

  it("reaches each of its sessions once, and is fenced and drained when each has said so", async () => {
    await start({ leases: { maxSessionsPerKey: CROWD } });
    const names = Array.from({ length: CROWD }, (_, index) => `d${index}`);
    for (const deviceId of names) await post("devices/register", { deviceId });
    await gather(CROWD, (index) => [`d${index}`]);
    for (const grant of await Promise.all(crowd.map((client) => client.renew()))) {
      expect(Object.values(grant.decisions)).toMatchObject([{ allowed: true }]);
    }
    const answer = post("org/stop", { wait: "fenced", timeout_ms: 60_000 });
    const stops = await Promise.all(
      crowd.map(async (client, index) => {
        const stop = await client.next("stop");
        // At once, whatever the authority would like: while it pushes, and before all are noted.
        client.ack(stop.version, [`d${index}`], "fenced");
        return stop;
      }),
    );
    const { body } = await answer;
    const { version } = body as { version: number };
    expect(body["stop"]).toMatchObject({ state: "fenced", holders: CROWD, fenced: CROWD });
    const expected = { version, code: "ORG_DISABLED", request_id: body["request_id"] };
    stops.forEach((stop, index) =>
      expect(stop).toMatchObject({ ...expected, devices: names.slice(index, index + 1) }),
    );
    expect(new Set(stops.map(({ ack_after_ms: afterMs }) => afterMs)).size).toBe(1);
    expect(stops[0]?.ack_after_ms).toBeGreaterThan(0);
    const drained = post("org/stop", { wait: "drained", timeout_ms: 60_000 });
    crowd.forEach((client, index) => client.ack(version, [`d${index}`], "drained"));
    expect((await drained).body["stop"]).toMatchObject({ state: "drained", drained: CROWD });
    for (const { received } of crowd) {
      expect(received.filter(({ type }) => type === "stop")).toHaveLength(1);
    }
  });

  it("of one device reaches all who hold it, and is pending while one says nothing", async () => {
    await start();
    await post("devices/register", { deviceId: "shared" });
    await gather(100, () => ["shared"]);
    const stopped = post("devices/revoke", { deviceId: "shared", wait: "fenced", timeout_ms: 300 });
    const [silent, ...others] = crowd;
    await silent?.next("stop");
    await Promise.all(
      others.map(async (client) => {
        client.ack((await client.next("stop")).version, ["shared"], "drained");
      }),
    );
    const { body } = await stopped;
    expect(body["stop"]).toMatchObject({ state: "pending", holders: 100, fenced: 99, drained: 99 });
  });

  it("cuts off whoever does not read, reaches the others, and takes the lost for holders still", async () => {
    await start({ leases: { maxBufferedBytes: 100_000 } });
    const long = Array.from({ length: 900 }, (_, index) => `${index}`.padStart(200, "x"));
    for (const deviceId of ["a", ...long.slice(0, 1)]) await post("devices/register", { deviceId });
    await gather(4, (index) => (index === 0 ? ["a"] : long));
    const [reader, ...slow] = crowd;
    for (const { socket } of slow) socket.pause();
    const cutOff = async (): Promise<string> => {
      const response = await fetch(`${authority.url}/metrics`, {
        headers: { "x-admin-key": authority.adminKey },
      });
      return /lease_channels_cut_off_total (\d+)/.exec(await response.text())?.[1] ?? "";
    };
    let version = 0;
    // Every turn is 180 kB more for each that does not read, twice.
    for (let turn = 0; turn < 500 && (await cutOff()) !== String(slow.length); turn += 1) {
      const stopped = await post("org/stop", {});
      version = Number(stopped.body["version"]);
      expect(await reader?.next("stop", (stop) => stop.version === version)).toBeDefined();
      await post("org/resume", {});
    }
    expect(await cutOff()).toBe(String(slow.length));
    reader?.ack(version, ["a"], "drained");
    const { body } = await call(authority, "GET", `/api/v1/stops/${version}`);
    expect(body["stop"]).toMatchObject({ state: "pending", holders: 4, fenced: 1 });
  });
});
