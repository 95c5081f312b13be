import { orgNameSchema } from "../wire/index.ts";
import type { AuthorityOptions } from "./authority-options.ts";
import type { BootstrapOptions } from "./authority.ts";

const MOST_PROXIES = 100;
const LEAST_LEASE_MS = 100;
const MOST_LEASE_MS = 600_000;

/**
 * Refuses what an authority cannot keep to: a wrong number of proxies, say, would
 * let callers choose the address that they are counted by.
 *
 * @throws TypeError
 */
export function checkOptions(options: AuthorityOptions): void {
  const { trustProxy = 0, validMs = 0, maxConnections = 1, requestTimeoutMs = 1 } = options;
  const { leaseTtlMs = LEAST_LEASE_MS } = options;
  checkNumber("trustProxy", trustProxy, 0, MOST_PROXIES);
  checkNumber("validMs", validMs, 0);
  checkNumber("leaseTtlMs", leaseTtlMs, LEAST_LEASE_MS, MOST_LEASE_MS);
  checkNumber("maxConnections", maxConnections, 1);
  checkNumber("requestTimeoutMs", requestTimeoutMs, 1);
}

/** @throws TypeError when the name of the first org is none */
export function checkBootstrap({ name = "default" }: BootstrapOptions): void {
  const read = orgNameSchema.safeParse(name);
  if (!read.success) throw new TypeError(`name: ${read.error.issues[0]?.message ?? "is none"}`);
}

function checkNumber(name: string, value: number, least: number, most?: number): void {
  const isFine = Number.isSafeInteger(value) && value >= least && value <= (most ?? value);
  if (isFine) return;
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new TypeError(`${name} must be a whole number ${range}`);
}
