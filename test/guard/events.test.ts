import diagnostics from "node:diagnostics_channel";
import { context, metrics, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import { createGuard, MachineID } from "../../src/index.ts";
import type { GuardEvent } from "../../src/index.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool", name: "search" } as const;

afterEach(() => {
  trace.disable();
  metrics.disable();
  context.disable();
});

test("a listener that throws, or rejects, changes no decision", async () => {
  await using authority = await startScriptedAuthority();
  for (const onEvent of [
    () => {
      throw new Error("listener");
    },
    (): unknown => Promise.reject(new Error("listener")),
  ]) {
    const guard = createGuard(authority.client(), { deviceId: "a", onEvent });
    await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
    await authority.become("revoked");
    await expect(guard.protect(TOOL, () => "ran")).rejects.toMatchObject({
      code: "DEVICE_REVOKED",
    });
    await authority.become("allow");
  }
});

test("every check and stop is published on diagnostics_channel", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const seen: unknown[] = [];
  const listener = (message: unknown): void => void seen.push(message);
  diagnostics.subscribe("machineid:check", listener);
  diagnostics.subscribe("machineid:stop", listener);
  try {
    const guard = createGuard(authority.client(), { deviceId: "a", register: false });
    await guard.check(TOOL).catch(() => undefined);
  } finally {
    diagnostics.unsubscribe("machineid:check", listener);
    diagnostics.unsubscribe("machineid:stop", listener);
  }
  expect(seen).toMatchObject([
    { type: "stop", deviceId: "a", code: "DEVICE_REVOKED" },
    { type: "check", deviceId: "a", boundary: TOOL, outcome: "denied", code: "DEVICE_REVOKED" },
  ]);
});

test("checks are OpenTelemetry spans and counters when an SDK is registered", async () => {
  const spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "agent-01" });
  await guard.check(TOOL);
  await guard.check(TOOL);
  await authority.become("revoked");
  await guard.check(TOOL).catch(() => undefined);

  // What records them is loaded with the first.
  await expect.poll(() => spans.getFinishedSpans()).toHaveLength(3);
  const finished = spans.getFinishedSpans();
  expect(finished.map(({ name }) => name)).toEqual(Array(3).fill("machineid.check"));
  expect(finished[0]?.attributes).toMatchObject({
    "machineid.device_id": "agent-01",
    "machineid.boundary.kind": "tool",
    "machineid.boundary.name": "search",
    "machineid.outcome": "allowed",
    "machineid.code": "ALLOW",
  });
  expect(finished[0]?.status.code).toBe(SpanStatusCode.UNSET);
  expect(finished[2]?.status).toEqual({ code: SpanStatusCode.ERROR, message: "DEVICE_REVOKED" });

  await reader.forceFlush();
  const points = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics: all }) => all)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ value, attributes }) => [
        descriptor.name,
        attributes["machineid.code"],
        value,
      ]),
    );
  await reader.shutdown();
  expect(points).toEqual([
    ["machineid.checks", "ALLOW", 2],
    ["machineid.checks", "DEVICE_REVOKED", 1],
    ["machineid.stops", "DEVICE_REVOKED", 1],
  ]);
});

test("no event, error or span shows the key", async () => {
  const key = "org_super-secret-0123456789";
  await using authority = await startScriptedAuthority("down");
  const events: GuardEvent[] = [];
  const client = new MachineID({ orgKey: key, baseUrl: authority.url });
  const guard = createGuard(client, { deviceId: "a", onEvent: (event) => events.push(event) });
  const error = await guard.check(TOOL).catch((reason: unknown) => reason);
  const shown = inspect([events, error, guard, client], { depth: 30, showHidden: true });
  expect(events.length).toBeGreaterThan(0);
  expect(shown).not.toContain(key);
  expect(JSON.stringify([events, error, guard, client])).not.toContain(key);
});
