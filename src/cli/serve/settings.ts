import { readDuration } from "../arguments.ts";
import { UsageError } from "../exit-code.ts";
import { named } from "./environment.ts";

/** Where certificate and key lie. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** @throws {@link UsageError} when one is given without the other */
export function readTlsFiles(
  cert: string | undefined,
  key: string | undefined,
): TlsFiles | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw new UsageError(
    `${named("tls-cert")} and ${named("tls-key")} belong together: give both, or neither`,
  );
}

const MOST_LEASE_TTL_MS = 10 * 60_000;

/** @throws {@link UsageError} */
export function readLeaseTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ttlMs = readDuration(text, named("lease-ttl"));
  if (ttlMs >= 1_000 && ttlMs <= MOST_LEASE_TTL_MS) return ttlMs;
  throw new UsageError(`${named("lease-ttl")} must be from 1s to 10m, not ${JSON.stringify(text)}`);
}

/**
 * Reads the origins of `--cors-origin`, separated by commas.
 *
 * @throws {@link UsageError} for what is no origin, as `*` and `null` are none
 */
export function readOrigins(text = ""): readonly string[] {
  const origins = text
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
  for (const origin of origins) {
    const url = URL.parse(origin);
    if (url === null || url.origin !== origin || !/^https?:$/.test(url.protocol)) {
      throw new UsageError(
        `${named("cors-origin")} must name origins like https://console.example.com, separated by commas, not ${JSON.stringify(origin)}`,
      );
    }
  }
  return origins;
}
