import type { CheckEvent, GuardEvent, StopEvent } from "./events.ts";

/**
 * OpenTelemetry without importing it. Every copy of `@opentelemetry/api` 1.x
 * shares its registrations under this global symbol, so that what an application
 * has set up is found here. This file is loaded only where there is such a thing.
 */
const REGISTRY: unique symbol = Symbol.for("opentelemetry.js.api.1");

type Attributes = Readonly<Record<string, string>>;

interface Span {
  setStatus(status: { code: number; message?: string }): unknown;
  end(endTime?: number): void;
}

interface Registry {
  readonly trace?: {
    getTracer(name: string): {
      startSpan(
        name: string,
        options: { kind: number; startTime: number; attributes: Attributes },
      ): Span;
    };
  };
  readonly metrics?: {
    getMeter(name: string): {
      createCounter(
        name: string,
        options: { description: string },
      ): { add(value: number, attributes: Attributes): void };
    };
  };
}

const INSTRUMENTATION = "machineid-io";
/** SpanKind.CLIENT and SpanStatusCode.ERROR of the API. */
const SPAN_KIND_CLIENT = 2;
const STATUS_ERROR = 2;

const registry = (): Registry | undefined =>
  (globalThis as { readonly [REGISTRY]?: Registry })[REGISTRY];

/** One span and one count per check, one count per stopped run. */
export function record(event: GuardEvent): void {
  if (event.type === "check") recordCheck(event);
  if (event.type === "stop") recordStop(event);
}

function recordCheck(event: CheckEvent): void {
  const api = registry();
  if (api === undefined) return;
  const { boundary, code, outcome, startedAtMs, durationMs } = event;
  const measured: Attributes = {
    "machineid.boundary.kind": boundary.kind,
    "machineid.outcome": outcome,
    "machineid.code": code,
  };
  const span = api.trace?.getTracer(INSTRUMENTATION).startSpan("machineid.check", {
    kind: SPAN_KIND_CLIENT,
    startTime: startedAtMs,
    attributes: {
      ...measured,
      "machineid.device_id": event.deviceId,
      "machineid.run_id": event.runId,
      ...(boundary.name === undefined ? {} : { "machineid.boundary.name": boundary.name }),
      ...(event.requestId === undefined ? {} : { "machineid.request_id": event.requestId }),
    },
  });
  if (outcome !== "allowed") span?.setStatus({ code: STATUS_ERROR, message: code });
  span?.end(startedAtMs + durationMs);
  count(api, "machineid.checks", "Checks, by outcome and code", measured);
}

function recordStop({ code }: StopEvent): void {
  const api = registry();
  if (api === undefined) return;
  count(api, "machineid.stops", "Runs stopped, by code", { "machineid.code": code });
}

function count(api: Registry, name: string, description: string, attributes: Attributes): void {
  api.metrics?.getMeter(INSTRUMENTATION).createCounter(name, { description }).add(1, attributes);
}
