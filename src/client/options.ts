import { MAX_BATCH_SIZE, readDeviceId, readDevicePattern } from "../wire/index.ts";
import { InvalidArgumentError } from "./errors.ts";

/** Longest wait a timer can hold, in milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Visible ASCII: what an HTTP header carries unchanged. */
const KEY_CHARACTERS = /^[\x21-\x7e]+$/;

/** @throws {@link InvalidArgumentError} `DEVICE_ID_INVALID` */
export function checkDeviceId(value: unknown): string {
  const { deviceId, problem } = readDeviceId(value);
  if (deviceId !== undefined) return deviceId;
  throw new InvalidArgumentError("DEVICE_ID_INVALID", `The device id ${problem}`);
}

/** @throws {@link InvalidArgumentError} `DEVICE_ID_INVALID`, `OPTION_INVALID` */
function checkDeviceIds(values: readonly unknown[]): string[] {
  if (!Array.isArray(values) || values.length === 0 || values.length > MAX_BATCH_SIZE) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      `A batch is an array of 1 to ${MAX_BATCH_SIZE} device ids; split larger ones`,
    );
  }
  return values.map(checkDeviceId);
}

/** @throws {@link InvalidArgumentError} `DEVICE_ID_INVALID`, `OPTION_INVALID` */
export function checkDevices(
  devices: readonly string[] | { readonly devicePattern: string },
): { deviceIds: string[] } | { devicePattern: string } {
  if (Array.isArray(devices) || !("devicePattern" in Object(devices))) {
    return { deviceIds: checkDeviceIds(devices as readonly string[]) };
  }
  const { devicePattern } = devices as { readonly devicePattern: string };
  const { pattern, problem } = readDevicePattern(devicePattern);
  if (pattern !== undefined) return { devicePattern: pattern };
  throw new InvalidArgumentError("OPTION_INVALID", `The device pattern ${problem}`);
}

/** @throws {@link InvalidArgumentError} `ORG_KEY_MISSING`, `ORG_KEY_INVALID` */
export function checkOrgKey(orgKey: unknown): string {
  const key = typeof orgKey === "string" ? orgKey.trim() : "";
  if (key === "") {
    throw new InvalidArgumentError(
      "ORG_KEY_MISSING",
      "An org key is needed. Pass orgKey, or set MACHINEID_ORG_KEY and use MachineID.fromEnv()",
    );
  }
  if (!KEY_CHARACTERS.test(key)) {
    throw new InvalidArgumentError(
      "ORG_KEY_INVALID",
      "The org key has characters that no key has. Copy it again, without quotes or line breaks",
    );
  }
  return key;
}

export interface BaseUrl {
  readonly origin: string;
  /** Path that goes before every route; empty or without a slash at its end. */
  readonly prefix: string;
}

/** @throws {@link InvalidArgumentError} `BASE_URL_INVALID`, `BASE_URL_INSECURE` */
export function checkBaseUrl(baseUrl: string, allowInsecureHttp?: boolean): BaseUrl {
  const url = URL.parse(baseUrl.trim());
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new InvalidArgumentError(
      "BASE_URL_INVALID",
      "The base URL must be an absolute http(s) URL, for example https://machineid.io",
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError(
      "BASE_URL_INVALID",
      "The base URL must have no user, password, query or fragment",
    );
  }
  if (url.protocol === "http:" && allowInsecureHttp !== true && !LOOPBACK.test(url.hostname)) {
    throw new InvalidArgumentError(
      "BASE_URL_INSECURE",
      `The key would travel in clear text to ${url.host}. Use https, or pass allowInsecureHttp: true`,
    );
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") };
}

/** @throws {@link InvalidArgumentError} `TIMEOUT_INVALID` */
export function checkTimeout(timeoutMs: unknown, name: string): number {
  if (typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) {
    return timeoutMs;
  }
  throw new InvalidArgumentError(
    "TIMEOUT_INVALID",
    `${name} must be a number of milliseconds above 0 and at most ${MAX_TIMEOUT_MS}`,
  );
}
