import { resolve } from "node:path";
import type { BootstrapKeys, ListenAddress } from "../../authority/index.ts";
import type { Plan } from "../../wire/index.ts";
import { paint } from "../output.ts";
import { isFile, nameOf } from "./open-store.ts";

export interface BannerFacts {
  readonly address: ListenAddress;
  /** Where `/metrics` is served without a key. */
  readonly metrics: ListenAddress | undefined;
  readonly database: string;
  /** Keys that were just made. */
  readonly keys: BootstrapKeys;
  readonly plan: Plan;
}

/** What `serve` tells a person once it answers. */
export function renderBanner({ address, metrics, database, keys, plan }: BannerFacts): string {
  const { ownerKey, adminKey } = keys;
  const where = database === ":memory:" ? "in memory; gone when this ends" : placeOf(database);
  const lines = [
    paint("bold", "MachineID authority"),
    "",
    `  Address    ${paint("cyan", address.url)}`,
    ...(metrics === undefined ? [] : [`  Metrics    ${paint("cyan", metrics.url)}/metrics`]),
    `  Database   ${where}`,
  ];
  if (ownerKey !== undefined) {
    lines.push(`  Plan       ${plan}`, `  Owner key  ${paint("yellow", ownerKey)}`);
  }
  if (adminKey !== undefined) lines.push(`  Admin key  ${paint("yellow", adminKey)}`);
  if (ownerKey !== undefined || adminKey !== undefined) {
    lines.push("", "  Store these keys now: they are shown this once, and kept as hashes only.");
  }
  lines.push(
    "",
    "  Try it in another terminal:",
    `    export MACHINEID_BASE_URL=${address.url}`,
    `    export MACHINEID_ORG_KEY=${ownerKey ?? "org_…"}`,
    "    machineid register agent-01",
    "    machineid validate agent-01",
    "    machineid revoke agent-01",
    "",
    "  Ctrl-C stops it; nothing is allowed while it is stopped.",
  );
  return lines.join("\n");
}

const placeOf = (database: string): string =>
  isFile(database) ? resolve(database) : nameOf(database);
