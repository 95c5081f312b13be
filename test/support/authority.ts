import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import type { Authority, AuthorityOptions, Store } from "../../src/authority/index.ts";
import type { Plan } from "../../src/wire/index.ts";

/** Limits that no test reaches which is not about them. */
const OPEN = { perSecond: 1e9, burst: 1e9 };
const OPEN_LIMITS = {
  perKey: OPEN,
  perOrg: OPEN,
  perAddress: OPEN,
  failuresPerAddress: OPEN,
  failuresPerKey: OPEN,
};

export interface TestAuthorityOptions extends Omit<AuthorityOptions, "store"> {
  /** A store's file; without it the store is in memory. */
  readonly path?: string;
  /** A store that is open already, instead of `path`. */
  readonly store?: Store;
  /** The first org's plan. @default "unlimited" */
  readonly plan?: Plan;
  readonly ownerKey?: string;
  /** @default any port that is free */
  readonly port?: number;
}

export interface TestAuthority extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Empty when the store knew its keys before and none was given. */
  readonly ownerKey: string;
  /** Empty when the store had one before. */
  readonly adminKey: string;
  readonly authority: Authority;
  readonly store: Store;
  close(): Promise<void>;
}

/** Starts a real authority on a loopback port, with one org. */
export async function startTestAuthority(
  options: TestAuthorityOptions = {},
): Promise<TestAuthority> {
  const { path = ":memory:", store: given, plan, ownerKey, port, ...rest } = options;
  const store = given ?? (await sqliteStore(path));
  const authority = createAuthority({ limits: OPEN_LIMITS, ...rest, store });
  const keys = await authority.bootstrap({
    ...(plan === undefined ? {} : { plan }),
    ...(ownerKey === undefined ? {} : { ownerKey }),
  });
  const listening = await authority.listen(port === undefined ? {} : { port });
  const close = (): Promise<void> => authority.close();
  return {
    url: listening.url,
    port: listening.port,
    ownerKey: keys.ownerKey ?? ownerKey ?? "",
    adminKey: keys.adminKey ?? "",
    authority,
    store,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** An answer as it came: status, headers and JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Sends one request with a key, and reads its JSON. */
export async function call(
  { url, ownerKey, adminKey }: Pick<TestAuthority, "url" | "ownerKey" | "adminKey">,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const headers: Record<string, string> = { "x-org-key": ownerKey, "x-admin-key": adminKey };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = text === "" ? {} : JSON.parse(text);
  return {
    status: response.status,
    headers: response.headers,
    body: json as Record<string, unknown>,
  };
}
