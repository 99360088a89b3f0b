// SPDX-License-Identifier: MIT
// The sources say what each does; docs/hosts.md shows how it is used.
/// <reference types="node" />
import { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

export type LabelValues<T extends string = string> = Partial<Record<T, string | number | boolean | null>>;

export interface Logger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface LoadOptions {
  plugin?: string;
  config?: string;
  overrides?: Record<string, string | number | boolean>;
  environment?: boolean;
  listener?: boolean;
  start?: boolean;
  default?: boolean;
  stopTimeoutMs?: number;
  logger?: Logger;
  name?: string;
}

export interface Status {
  state: 'created' | 'running' | 'stopping' | 'stopped' | 'forked' | 'closed' | 'unknown';
  listening?: boolean;
  pushing?: boolean;
  forwarding?: boolean;
  pushFailing?: boolean;
  forwardFailing?: boolean;
  collectorStuck?: boolean;
  listenPort?: number;
  scrapes?: number;
  scrapesRefused?: number;
  pushesOk?: number;
  pushesFailed?: number;
  forwardsOk?: number;
  forwardsFailed?: number;
  forwardsSkipped?: number;
  collectorFailures?: number;
  collectorTimeouts?: number;
  series?: number;
  seriesRefused?: number;
  updatesIgnored?: number;
  lastScrapeMs?: number;
  lastPushMs?: number;
  lastPushOkMs?: number;
}

export interface ScrapeRequest {
  method?: string;
  path?: string;
  query?: string;
  headers?: Array<[string, string]>;
  mounted?: boolean;
  timeoutMs?: number;
}

export interface ScrapeAnswer {
  status: number;
  headers: Array<[string, string]>;
  body: Buffer;
}

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped' | 'unknown' | 'info'
  | 'stateset' | 'gaugehistogram';

export interface SampleValue {
  labels: Record<string, string | number | boolean>;
  value: number;
  metricName?: string;
  /** Unix milliseconds; such a sample is scraped, never pushed. */
  timestamp?: number;
  exemplar?: { labelSet: Record<string, string | number>; value: number; timestamp?: number } | null;
}

export interface FamilyValues {
  name: string;
  type?: MetricType;
  help?: string;
  unit?: string;
  values: SampleValue[];
  /** Of several workers that are one instance: an Aggregator, or first, average or omit. */
  aggregator?: string;
}

export class Plugin {
  private constructor();
  readonly version: string;
  readonly contentType: string;
  start(): Promise<void>;
  stop(options?: { timeoutMs?: number }): Promise<void>;
  reload(): Promise<void>;
  close(options?: { timeoutMs?: number }): Promise<void>;
  status(): Status;
  lastError(): string;
  metrics(): Promise<string>;
  getMetricsAsJSON(names?: string[]): Promise<FamilyValues[]>;
  request(options?: ScrapeRequest): Promise<ScrapeAnswer | null>;
  pushNow(options?: { application?: boolean; forwards?: boolean; timeoutMs?: number }): Promise<void>;
}

export function load(options?: LoadOptions): Plugin;
export function defaultPlugin(): Plugin | null;

// ---- instruments --------------------------------------------------------------------------------

export type Aggregator = 'sum' | 'max' | 'min' | 'latest' | 'per_worker';

export interface MetricConfiguration<T extends string = string> {
  name: string;
  help: string;
  labelNames?: readonly T[];
  unit?: string;
  maxSeries?: number;
  aggregator?: Aggregator;
  plugin?: Plugin | null;
  /** An empty list: it is not exposed. */
  registers?: unknown[];
}

interface Family<T extends string, Series> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly T[];
  labels(...values: Array<string | number | boolean | null | undefined>): Series;
  labels(labels: LabelValues<T>): Series;
  remove(...values: Array<string | number | boolean | null | undefined>): void;
  remove(labels: LabelValues<T>): void;
  reset(): void;
  get(): Promise<FamilyValues>;
}

export type Collect<M> = (this: M) => void | Promise<void>;

export interface CounterConfiguration<T extends string = string> extends MetricConfiguration<T> {
  enableExemplars?: boolean;
  collect?: Collect<Counter<T>>;
}

export interface CounterSeries {
  inc(value?: number): void;
  incWithExemplar(value: number | undefined, exemplarLabels: Record<string, string | number>): void;
}

export class Counter<T extends string = string> {
  constructor(config: CounterConfiguration<T>);
  inc(value?: number): void;
  inc(labels: LabelValues<T>, value?: number): void;
  inc(exemplified: {
    labels?: LabelValues<T>; value?: number; exemplarLabels?: Record<string, string | number>;
  }): void;
}
export interface Counter<T extends string> extends Family<T, CounterSeries> {}

export interface GaugeConfiguration<T extends string = string> extends MetricConfiguration<T> {
  collect?: Collect<Gauge<T>>;
}

export interface GaugeSeries {
  set(value: number): void;
  inc(value?: number): void;
  dec(value?: number): void;
  setToCurrentTime(): void;
  startTimer(): () => number;
  track<R>(work: () => R): R;
}

export class Gauge<T extends string = string> {
  constructor(config: GaugeConfiguration<T>);
  set(value: number): void;
  set(labels: LabelValues<T>, value: number): void;
  inc(value?: number): void;
  inc(labels: LabelValues<T>, value?: number): void;
  dec(value?: number): void;
  dec(labels: LabelValues<T>, value?: number): void;
  setToCurrentTime(labels?: LabelValues<T>): void;
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number;
  track<R>(work: () => R): R;
  track<R>(labels: LabelValues<T>, work: () => R): R;
}
export interface Gauge<T extends string> extends Family<T, GaugeSeries> {}

export interface ObservedSeries {
  observe(value: number): void;
  observeWithExemplar(value: number, exemplarLabels: Record<string, string | number>): void;
  startTimer(): () => number;
  time<R>(work: () => R): R;
  zero(): void;
}

interface Observed<T extends string> extends Family<T, ObservedSeries> {
  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  startTimer(labels?: LabelValues<T>, exemplarLabels?: Record<string, string | number>):
    (labels?: LabelValues<T>, exemplarLabels?: Record<string, string | number>) => number;
  time<R>(work: () => R): R;
  time<R>(labels: LabelValues<T>, work: () => R): R;
  zero(labels: LabelValues<T>): void;
}

export interface HistogramConfiguration<T extends string = string> extends MetricConfiguration<T> {
  buckets?: readonly number[];
  nativeMaxBuckets?: number;
  nativeGrowth?: number;
  enableExemplars?: boolean;
  collect?: Collect<Histogram<T>>;
}

export class Histogram<T extends string = string> {
  constructor(config: HistogramConfiguration<T>);
  static readonly defaultBuckets: number[];
}
export interface Histogram<T extends string> extends Observed<T> {
  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  observe(exemplified: {
    labels?: LabelValues<T>; value: number; exemplarLabels?: Record<string, string | number>;
  }): void;
}

export interface SummaryConfiguration<T extends string = string> extends MetricConfiguration<T> {
  percentiles?: readonly number[];
  maxAgeSeconds?: number;
  collect?: Collect<Summary<T>>;
}

export class Summary<T extends string = string> {
  constructor(config: SummaryConfiguration<T>);
  static readonly defaultPercentiles: number[];
}
export interface Summary<T extends string> extends Observed<T> {}

export interface StateSetConfiguration<T extends string = string> extends MetricConfiguration<T> {
  states: readonly string[];
}

export class StateSet<T extends string = string> {
  constructor(config: StateSetConfiguration<T>);
  state(name: string): void;
  state(labels: LabelValues<T>, name: string): void;
}
export interface StateSet<T extends string> extends Family<T, { state(name: string): void }> {}

export class Info<T extends string = string> {
  constructor(config: MetricConfiguration<T> & { labelNames: readonly T[] });
  set(texts: LabelValues<T>): void;
}

export function linearBuckets(start: number, width: number, count: number): number[];
export function exponentialBuckets(start: number, factor: number, count: number): number[];

// ---- what is exposed ------------------------------------------------------------------------------

export const contentType: string;
export function metrics(): Promise<string>;
export const register: {
  readonly contentType: string;
  metrics(): Promise<string>;
  getMetricsAsJSON(): Promise<FamilyValues[]>;
  getMetricsAsArray(): Promise<unknown[]>;
  getSingleMetric(name: string): unknown;
  getSingleMetricAsString(name: string): Promise<string>;
  removeSingleMetric(name: string): void;
  clear(): void;
  resetMetrics(): void;
};

export interface Registration {
  unregister(): void;
}

export interface CollectorOptions {
  timeoutMs?: number;
  minIntervalMs?: number;
  oneProcess?: boolean;
  plugin?: Plugin | null;
}

type Families = FamilyValues | Iterable<FamilyValues> | null | undefined | void;
type Ask = () => Families | Promise<Families>;

export function registerCollector(
  name: string,
  source: Ask | { collect: Ask } | { getMetricsAsJSON(): unknown } | { get(): unknown },
  options?: CollectorOptions,
): Registration;
export function bridge(
  registry: { getMetricsAsJSON(): unknown },
  options?: CollectorOptions & { name?: string; processMetrics?: boolean },
): Registration;
export function collectNodeMetrics(
  options?: { plugin?: Plugin | null; gcDurationBuckets?: readonly number[] },
): Registration;

// ---- web ------------------------------------------------------------------------------------------

export interface HandlerOptions {
  plugin?: Plugin;
  metricsPath?: string;
}

export interface MiddlewareOptions extends HandlerOptions {
  routeOf?(request: any, response: any): string | undefined;
  prefix?: string;
  buckets?: readonly number[];
}

export function middleware(options?: MiddlewareOptions):
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
export function instrument(listener: RequestListener, options?: MiddlewareOptions): RequestListener;
export function handler(options?: HandlerOptions): RequestListener;
export function metricsServer(options?: HandlerOptions & { port?: number; host?: string }): Server;

declare module 'node:http' {
  interface IncomingMessage {
    /** The template of the route that took the request, where the application names it. */
    promplugRoute?: string;
  }
}

// ---- errors ---------------------------------------------------------------------------------------

export class PromplugError extends Error {
  readonly code?: string;
}
export class LoadError extends PromplugError {}
export class ConfigError extends PromplugError {}
export class StateError extends PromplugError {}
export class TimedOut extends PromplugError {}
export class InputOutputError extends PromplugError {}
