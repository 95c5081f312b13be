import { createAuthority, sqliteStore } from "../authority/index.ts";
import { createGuard, MachineID } from "../index.ts";
import type { Guard, GuardOptions } from "../index.ts";

export interface TestAuthorityOptions {
  /** Cap of the one org's plan: devices that may be registered at once. @default none */
  readonly limit?: number | undefined;
}

/** A real authority in this process, on a free loopback port and a database in memory. */
export interface TestAuthority extends AsyncDisposable {
  readonly url: string;
  /** Key of its one org. */
  readonly orgKey: string;
  /** A client with that key: revoke, unrevoke and remove with it. */
  readonly client: MachineID;
  /** A guard of a device of that org. */
  guard(deviceId: string, options?: Omit<GuardOptions, "deviceId">): Guard;
  close(): Promise<void>;
}

/** Starts an authority that is gone when it is closed. */
export async function startTestAuthority({
  limit,
}: TestAuthorityOptions = {}): Promise<TestAuthority> {
  const authority = createAuthority({ store: await sqliteStore(":memory:") });
  const { ownerKey: orgKey = "" } = await authority.bootstrap(
    limit === undefined ? {} : { plan: limit },
  );
  const { url } = await authority.listen();
  const client = new MachineID({ orgKey, baseUrl: url });
  const close = (): Promise<void> => authority.close();
  return {
    url,
    orgKey,
    client,
    guard: (deviceId, options) => createGuard(client, { ...options, deviceId }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
