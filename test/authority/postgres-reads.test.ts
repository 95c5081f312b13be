import { expect, test } from "vitest";
import { postgresStore } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { createDatabase } from "../support/postgres.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";

test("a renewal that arrived after a stop rests on no read that was under way before it", async () => {
  await using database = await createDatabase();
  await using proxy = await TcpProxy.open(Number(new URL(database.url).port));
  const slow = new URL(database.url);
  slow.host = `127.0.0.1:${proxy.port}`;
  const start = async (url: string): Promise<TestAuthority> =>
    startTestAuthority({ store: await postgresStore({ url }), ownerKey: OWNER_KEY });
  await using other = await start(database.url);
  await using replica = await start(slow.href);
  const post = (path: string): Promise<unknown> =>
    call(other, "POST", `/api/v1/devices/${path}`, { deviceId: "a" });
  await post("register");
  await using early = await LeaseClient.holding(replica.url, OWNER_KEY, ["a"]);
  await using late = await LeaseClient.holding(replica.url, OWNER_KEY, ["a"]);
  const release = proxy.holdAnswers();
  const first = early.renew();
  await expect.poll(() => proxy.holding).toBeGreaterThan(0);
  await post("revoke");
  const second = late.renew();
  // It has arrived when what was sent after it is answered.
  for (let turn = 0; turn < 3; turn += 1) await fetch(`${replica.url}/healthz`);
  release();
  await first;
  expect((await second).decisions).toMatchObject({
    a: { allowed: false, code: "DEVICE_REVOKED" },
  });
});
