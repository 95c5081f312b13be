import { afterEach, describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/authority/index.ts";
import { Distribution } from "../../src/authority/metrics/distribution.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { rawValidate, sendRaw } from "./raw-http.ts";

const started: TestAuthority[] = [];
async function start(options?: Parameters<typeof startTestAuthority>[0]): Promise<TestAuthority> {
  const authority = await startTestAuthority(options);
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

/** Every sample of a scrape, by its name and labels, once each line was seen to be well formed. */
async function scrape(authority: TestAuthority): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${authority.url}/metrics`, {
    headers: { "x-admin-key": authority.adminKey },
  });
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return samplesOf(await response.text());
}

function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const label = String.raw`[a-z_]+="[^"\\\n]*"`;
  const sample = new RegExp(String.raw`^([a-z_]+(?:\{${label}(?:,${label})*\})?) (\S+)$`);
  for (const line of text.split("\n").filter((text) => text !== "")) {
    if (/^# (?:HELP|TYPE) [a-z_]+ \S/.test(line)) continue;
    const [, name = "", value] = sample.exec(line) ?? [];
    expect([line, name]).not.toEqual([line, ""]);
    expect([name, samples.has(name)]).toEqual([name, false]);
    samples.set(name, Number(value));
    expect(samples.get(name)).not.toBeNaN();
  }
  return samples;
}

const VALIDATE = "/api/v1/devices/validate";
const durations = (method: string, route: string, status: number): string =>
  `machineid_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;

describe("metrics", () => {
  it("count decisions by code, past the router and through it", async () => {
    const authority = await start();
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
    const fast = rawValidate(authority.ownerKey, '{"deviceId":"a"}').toString();
    const routed = fast.replace("application/json", "application/json; charset=utf-8");
    for (const request of [fast, fast, routed]) await sendRaw(authority.port, Buffer.from(request));
    await call(authority, "POST", VALIDATE, { deviceId: "b" });
    const samples = await scrape(authority);
    expect(samples.get('machineid_decisions_total{code="ALLOW"}')).toBe(3);
    expect(samples.get('machineid_decisions_total{code="DEVICE_NOT_REGISTERED"}')).toBe(1);
    expect(samples.get('machineid_decisions_total{code="DEVICE_REVOKED"}')).toBe(0);
    expect(samples.get('machineid_registrations_total{outcome="created"}')).toBe(1);
    expect(samples.get(durations("POST", VALIDATE, 200))).toBe(4);
  });

  it("count failures by code, wherever they are answered", async () => {
    const authority = await start();
    const unknown = "org_stranger-0123456789abcdef";
    const fast = rawValidate(unknown, '{"deviceId":"a"}').toString();
    const routed = fast.replace("application/json", "application/json; charset=utf-8");
    for (const request of [fast, routed]) await sendRaw(authority.port, Buffer.from(request));
    await call(authority, "GET", VALIDATE);
    await call(authority, "GET", "/nowhere");
    await sendRaw(authority.port, Buffer.from("no http at all\r\n\r\n"));
    const samples = await scrape(authority);
    const failures = (code: string) => samples.get(`machineid_failures_total{code="${code}"}`);
    expect(failures("ORG_KEY_INVALID")).toBe(2);
    expect(failures("METHOD_NOT_ALLOWED")).toBe(1);
    expect(failures("ROUTE_NOT_FOUND")).toBe(1);
    expect(failures("REQUEST_MALFORMED")).toBe(1);
    expect(samples.get(durations("POST", VALIDATE, 401))).toBe(2);
    expect(samples.get(durations("GET", "unmatched", 404))).toBe(1);
  });

  it("show durations as histograms that add up", async () => {
    const authority = await start();
    const checks = Array.from({ length: 40 }, () =>
      call(authority, "POST", VALIDATE, { deviceId: "a" }),
    );
    await Promise.all(checks);
    const samples = await scrape(authority);
    const names = [
      `machineid_http_request_duration_seconds|method="POST",route="${VALIDATE}",status="200"`,
      "machineid_store_batch_size|",
      "machineid_store_commit_duration_seconds|",
    ];
    for (const series of names) {
      const [name = "", labels = ""] = series.split("|");
      const buckets = [...samples].filter(
        ([sample]) => sample.startsWith(`${name}_bucket{`) && sample.includes(labels),
      );
      const counts = buckets.map(([, count]) => count);
      expect(counts.length).toBeGreaterThan(5);
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
      const suffix = labels === "" ? "" : `{${labels}}`;
      expect(counts.at(-1)).toBe(samples.get(`${name}_count${suffix}`));
      expect(samples.get(`${name}_sum${suffix}`)).toBeGreaterThan(0);
      expect(buckets.at(-1)?.[0]).toContain('le="+Inf"');
    }
    // Every call is in one batch or another.
    expect(samples.get("machineid_store_batch_size_sum")).toBeGreaterThanOrEqual(40);
    expect(samples.get("machineid_audit_lag_seconds")).toBe(0);
    expect(samples.get("machineid_connections")).toBeGreaterThan(0);
  });

  it("are the administrator's alone", async () => {
    const authority = await start();
    for (const key of ["", authority.ownerKey, "adm_stranger-0123456789abcdef"]) {
      const { status, body } = await call({ ...authority, adminKey: key }, "GET", "/metrics");
      expect([status, body["code"]]).toEqual([401, "ADMIN_KEY_INVALID"]);
    }
    const { status } = await fetch(`${authority.url}/metrics`);
    expect(status).toBe(401);
  });

  it("are on a port of their own without a key, and nothing else is there", async () => {
    const authority = await start();
    const { url } = await authority.authority.listenForMetrics();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(samplesOf(await (await fetch(`${url}/metrics`)).text()).size).toBeGreaterThan(20);
    for (const path of ["/", VALIDATE, "/api/v1/meta", "/metrics/x"]) {
      expect((await fetch(url + path)).status).toBe(404);
    }
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
    await authority.close();
    await expect(fetch(`${url}/metrics`)).rejects.toThrow("fetch failed");
  });

  it("are there on that port when the store is not", async () => {
    const authority = await start();
    const { url } = await authority.authority.listenForMetrics();
    await authority.store.close();
    await call(authority, "POST", VALIDATE, { deviceId: "a" });
    const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
    expect(samples.get('machineid_failures_total{code="STORE_UNAVAILABLE"}')).toBe(1);
  });

  it("show no key and no name of an org or device", async () => {
    const authority = await start();
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a-private-name" });
    await call(authority, "GET", "/api/v1/a-private-path");
    await call(authority, "POST", "/api/v1/org/create", { name: "a-private-org" });
    const response = await fetch(`${authority.url}/metrics`, {
      headers: { "x-admin-key": authority.adminKey },
    });
    const text = await response.text();
    expect(text).not.toMatch(/org_|adm_|a-private/);
  });
});

describe("a store", () => {
  it("counts the batches it could not commit, and says how long the oldest call waits", async () => {
    const store = await sqliteStore(":memory:");
    const { statistics } = store;
    expect(statistics?.waitingSince).toBeUndefined();
    const ready = store.ready();
    expect(statistics?.waitingSince).toBeLessThanOrEqual(performance.now());
    await ready;
    expect(statistics).toMatchObject({ failures: 0, waitingSince: undefined });
    expect(statistics?.batchSizes.sum).toBe(1);
    await store.close();
  });

  it("spreads observations over ranges that include their upper bound", () => {
    const spread = new Distribution([1, 2]);
    for (const value of [0, 1, 1.5, 2, 3]) spread.observe(value);
    expect(spread).toMatchObject({ counts: [2, 2, 1], sum: 7.5 });
  });
});
