import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LabelValues, MetricObjectWithValues, MetricValueWithName } from "prom-client";
import type { StoreStatistics } from "../store/statistics.ts";
import { AUTHORITY_VERSION } from "../version.ts";
import type { Distribution } from "./distribution.ts";
import type { Metrics } from "./metrics.ts";

/** All that a scrape shows. */
export interface MetricSources {
  readonly metrics: Metrics;
  /** Undefined for a store that counts nothing. */
  readonly store: StoreStatistics | undefined;
  /** Connections that are open. */
  readonly connections: number;
  /** Event streams that are open. */
  readonly eventStreams: number;
  /** Lease channels that are open. */
  readonly leaseChannels: number;
  /** Stops that are not fenced yet. */
  readonly pendingStops: number;
  /** The authority is about to end. */
  readonly draining: boolean;
}

/** Metrics in Prometheus' text format. */
export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

interface Spread {
  readonly labels: LabelValues<string>;
  readonly spread: Distribution;
}

/** A histogram whose counts were made elsewhere. */
class FinishedHistogram extends Histogram {
  readonly #about: { readonly name: string; readonly help: string };
  readonly #spreads: readonly Spread[];

  constructor(name: string, help: string, spreads: readonly Spread[]) {
    super({ name, help, registers: [] });
    this.#about = { name, help };
    this.#spreads = spreads;
  }

  override get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    return this.getForPromString();
  }

  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const { name, help } = this.#about;
    const values = this.#spreads.flatMap((spread) => valuesOf(name, spread));
    return Promise.resolve({ name, help, type: "histogram", values, aggregator: "sum" } as never);
  }
}

function valuesOf(name: string, { labels, spread }: Spread): MetricValueWithName<string>[] {
  let below = 0;
  const values = spread.counts.map((count, range) => {
    below += count;
    const le = spread.bounds[range] ?? "+Inf";
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...values,
    { metricName: `${name}_sum`, labels, value: spread.sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

/** Writes what was counted so far. */
export async function renderMetrics(sources: MetricSources): Promise<RenderedMetrics> {
  const registry = new Registry();
  const counter: AddCounter = (name, help, values) => {
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const metric = new Counter({ name, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) metric.inc(labels, value);
  };
  const histogram: AddHistogram = (name, help, spreads) =>
    registry.registerMetric(new FinishedHistogram(name, help, spreads));
  const gauge: AddGauge = (name, help, value) =>
    new Gauge({ name, help, registers: [registry] }).set(value);
  const by = (label: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([value, count]) => [{ [label]: value }, count] as const);

  const { metrics, store } = sources;
  counter(
    "machineid_decisions_total",
    "Decisions answered, by code.",
    by("code", metrics.decisions),
  );
  counter(
    "machineid_registrations_total",
    "Registrations answered, by outcome.",
    by("outcome", metrics.registrations),
  );
  counter(
    "machineid_failures_total",
    "Requests that were not decided at all, by code.",
    by("code", metrics.failures),
  );
  histogram(
    "machineid_http_request_duration_seconds",
    "From a request's headers to its answer, which waits for the store.",
    Array.from(metrics.requests, ({ method, route, status, seconds }) => ({
      labels: { method, route, status },
      spread: seconds,
    })),
  );
  gauge("machineid_connections", "Connections that are open.", sources.connections);
  gauge("machineid_event_streams", "Event streams that are open.", sources.eventStreams);
  counter("machineid_event_streams_cut_off_total", "Event streams ended because nobody read.", [
    [{}, metrics.eventStreamsCutOff],
  ]);
  gauge("machineid_lease_channels", "Lease channels that are open.", sources.leaseChannels);
  counter("machineid_lease_channels_cut_off_total", "Lease channels ended because nobody read.", [
    [{}, metrics.leaseChannelsCutOff],
  ]);
  gauge("machineid_stops_pending", "Stops that are not fenced yet.", sources.pendingStops);
  gauge("machineid_draining", "1 while the authority is about to end.", Number(sources.draining));
  if (store !== undefined) describeStore(store, { counter, gauge, histogram });
  describeProcess({ counter, gauge, histogram });
  return { contentType: registry.contentType, text: await registry.metrics() };
}

type AddCounter = (
  name: string,
  help: string,
  values: readonly (readonly [LabelValues<string>, number])[],
) => void;
type AddGauge = (name: string, help: string, value: number) => void;
type AddHistogram = (name: string, help: string, spreads: readonly Spread[]) => void;

/** How metrics are added to a scrape. */
interface Adding {
  readonly counter: AddCounter;
  readonly gauge: AddGauge;
  readonly histogram: AddHistogram;
}

function describeStore(store: StoreStatistics, { counter, gauge, histogram }: Adding): void {
  histogram("machineid_store_batch_size", "Calls that were committed together.", [
    { labels: {}, spread: store.batchSizes },
  ]);
  histogram(
    "machineid_store_commit_duration_seconds",
    "From the first call of a batch to its commit: what the store adds to an answer.",
    [{ labels: {}, spread: store.commitSeconds }],
  );
  counter("machineid_store_failures_total", "Batches that the store could not commit.", [
    [{}, store.failures],
  ]);
  const { waitingSince } = store;
  gauge(
    "machineid_audit_lag_seconds",
    "Age of the oldest call whose audit entry is not durable yet; it is not answered before.",
    waitingSince === undefined ? 0 : (performance.now() - waitingSince) / 1000,
  );
}

function describeProcess({ counter, gauge }: Adding): void {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  counter("process_cpu_seconds_total", "Processor time used.", [[{}, (user + system) / 1e6]]);
  gauge("process_resident_memory_bytes", "Memory that is resident.", rss);
  gauge("nodejs_heap_size_used_bytes", "Heap that is in use.", heapUsed);
  gauge(
    "nodejs_eventloop_utilization",
    "Share of the time since the start in which the event loop was busy.",
    performance.eventLoopUtilization().utilization,
  );
  gauge(
    "process_start_time_seconds",
    "When the process started, in seconds since the epoch.",
    performance.timeOrigin / 1000,
  );
  counter("machineid_build_info", "1, labelled with the version.", [
    [{ version: AUTHORITY_VERSION }, 1],
  ]);
}
