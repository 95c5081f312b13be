import type { ArgsDef } from "citty";
import { DEFAULT_BASE_URL, MachineID } from "../client/index.ts";
import { COMMON_ARGUMENTS, readInteger, readKeyFile } from "./arguments.ts";
import { CommandError, EXIT } from "./exit-code.ts";
import { findLocalAuthority } from "./local-authority.ts";

/** Options of every command that talks to an authority. */
export const CONNECTION_ARGUMENTS = {
  "key-file": {
    type: "string",
    description: "File that holds the org key; MACHINEID_ORG_KEY otherwise",
    valueHint: "FILE",
  },
  db: {
    type: "string",
    description: "Use the authority that serves this database on this machine",
    valueHint: "FILE",
  },
  "timeout-ms": {
    type: "string",
    description: "Deadline of each call in milliseconds",
    default: "10000",
    valueHint: "MS",
  },
  "allow-insecure-http": {
    type: "boolean",
    description: "Let the key travel over plain http to another machine",
  },
  ...COMMON_ARGUMENTS,
} as const satisfies ArgsDef;

/** {@link CONNECTION_ARGUMENTS}, as they were given. */
export interface ConnectionArguments {
  readonly "key-file"?: string | undefined;
  readonly db?: string | undefined;
  readonly "timeout-ms": string;
  readonly "allow-insecure-http"?: boolean | undefined;
}

const KEY_VARIABLES = ["MACHINEID_ORG_KEY", "MACHINEID_ADMIN_KEY"] as const;

/** Where to talk to, and how that was found out. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly source: "--db" | "MACHINEID_BASE_URL" | "the local authority" | "the default";
}

/**
 * The authority that serves `--db`; else `MACHINEID_BASE_URL`; else, unless a
 * key is set in the environment, the authority that serves the default database
 * here; else the hosted service. A key from the environment was not meant for
 * whatever happens to run beside the current directory, so it does not go there
 * by itself.
 *
 * @throws {@link CommandError} when nobody serves the database that was named
 */
export function findEndpoint(database: string | undefined): Endpoint {
  if (database !== undefined) {
    const local = findLocalAuthority(database);
    if (local !== undefined) return { baseUrl: local.url, source: "--db" };
    throw new CommandError(
      `No authority serves ${database}. Start one with machineid serve --db ${database}`,
      { exitCode: EXIT.unavailable, code: "AUTHORITY_UNREACHABLE" },
    );
  }
  const baseUrl = fromEnv("MACHINEID_BASE_URL");
  if (baseUrl !== undefined) return { baseUrl, source: "MACHINEID_BASE_URL" };
  const hasKey = KEY_VARIABLES.some((name) => fromEnv(name) !== undefined);
  const local = hasKey ? undefined : findLocalAuthority();
  if (local !== undefined) return { baseUrl: local.url, source: "the local authority" };
  return { baseUrl: DEFAULT_BASE_URL, source: "the default" };
}

/** The org key, or undefined when none is set. @throws {@link UsageError} for an unreadable file */
export function findOrgKey(keyFile: string | undefined): string | undefined {
  return keyFile === undefined ? fromEnv("MACHINEID_ORG_KEY") : readKeyFile(keyFile);
}

/** @throws {@link UsageError} */
export function readTimeoutMs(text: string): number {
  return readInteger(text, "--timeout-ms", 1, 2 ** 31 - 1);
}

/**
 * Makes the client of a command.
 *
 * @throws {@link UsageError} for an option that cannot work
 * @throws {@link InvalidArgumentError} for a key or URL that cannot work
 */
export function connect(args: ConnectionArguments): MachineID {
  return new MachineID({
    orgKey: findOrgKey(args["key-file"]) ?? "",
    baseUrl: findEndpoint(args.db).baseUrl,
    timeoutMs: readTimeoutMs(args["timeout-ms"]),
    allowInsecureHttp: args["allow-insecure-http"] === true,
    authorityKey: fromEnv("MACHINEID_AUTHORITY_KEY"),
  });
}

/** A variable of the environment; undefined when it is empty. */
export function fromEnv(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}
