import type { ArgsDef } from "citty";
import { checkBaseUrl, createFetchTransport, exchange } from "../client/index.ts";
import type { Answer } from "../client/index.ts";
import { ADMIN_KEY_HEADER, ROUTES } from "../wire/index.ts";
import { COMMON_ARGUMENTS, readKeyFile } from "./arguments.ts";
import { CONNECTION_ARGUMENTS, findEndpoint, fromEnv, readTimeoutMs } from "./connection.ts";
import { CommandError, EXIT, UsageError } from "./exit-code.ts";

/** Options of every command of an authority's administrator. */
export const ADMIN_ARGUMENTS = {
  "admin-key-file": {
    type: "string",
    description: "File that holds the administrator's key; MACHINEID_ADMIN_KEY otherwise",
    valueHint: "FILE",
  },
  db: CONNECTION_ARGUMENTS.db,
  "timeout-ms": CONNECTION_ARGUMENTS["timeout-ms"],
  "allow-insecure-http": CONNECTION_ARGUMENTS["allow-insecure-http"],
  ...COMMON_ARGUMENTS,
} as const satisfies ArgsDef;

/** {@link ADMIN_ARGUMENTS}, as they were given. */
export interface AdminArguments {
  readonly "admin-key-file"?: string | undefined;
  readonly db?: string | undefined;
  readonly "timeout-ms": string;
  readonly "allow-insecure-http"?: boolean | undefined;
}

export type AdminOperation =
  | "createOrg"
  | "listOrgs"
  | "setOrgPlan"
  | "rotateSigningKey"
  | "rotateAdminKey";

/**
 * Performs one operation of the administrator's.
 *
 * @throws {@link CommandError} when no key is set, and as `exchange` does
 */
export async function askAsAdmin(
  args: AdminArguments,
  operation: AdminOperation,
  body?: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const { key, origin, prefix } = findAdministered(args);
  const { method, path } = ROUTES[operation];
  return exchange(
    createFetchTransport((url, init) => fetch(url, init)),
    {
      method,
      origin,
      path: prefix + path,
      secret: key,
      headers: { [ADMIN_KEY_HEADER]: key },
      body,
      signal: undefined,
      timeoutMs: readTimeoutMs(args["timeout-ms"]),
    },
  );
}

/** An authority and the key of its administrator. */
export interface Administered {
  readonly key: string;
  readonly origin: string;
  /** Path that goes before every route. */
  readonly prefix: string;
}

/** @throws {@link CommandError} when no key is set, or no authority is named */
export function findAdministered(
  args: Pick<AdminArguments, "admin-key-file" | "db" | "allow-insecure-http">,
): Administered {
  const key = findAdminKey(args["admin-key-file"]);
  const { baseUrl, source } = findEndpoint(args.db);
  if (source === "the default") {
    throw new UsageError("Which authority? Set MACHINEID_BASE_URL, or name its database with --db");
  }
  return { key, ...checkBaseUrl(baseUrl, args["allow-insecure-http"] === true) };
}

/** Visible ASCII: what a header carries unchanged. */
const KEY = /^[\x21-\x7e]+$/;

export function findAdminKey(keyFile: string | undefined): string {
  const key = keyFile === undefined ? fromEnv("MACHINEID_ADMIN_KEY") : readKeyFile(keyFile);
  if (key === undefined) {
    throw new CommandError(
      "No administrator's key. Set MACHINEID_ADMIN_KEY to the key that serve showed when it first ran, or use --admin-key-file FILE",
      { exitCode: EXIT.error, code: "ADMIN_KEY_MISSING" },
    );
  }
  if (KEY.test(key)) return key;
  throw new CommandError(
    "The administrator's key has characters that no key has. Copy it again, without quotes or line breaks",
    { exitCode: EXIT.error, code: "ADMIN_KEY_INVALID" },
  );
}
