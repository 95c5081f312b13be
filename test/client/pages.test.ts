import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import type { FailureAnswer, ListDevicesAnswer } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { startHttpServer } from "../support/http-server.ts";

const IDS = Array.from({ length: 7 }, (_, place) => `worker:${place}`);
let authority: TestAuthority;
let client: MachineID;

beforeAll(async () => {
  authority = await startTestAuthority();
  client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
  for (const deviceId of IDS) await client.register(deviceId);
});
afterAll(() => authority.close());

async function all<Page>(pages: AsyncIterable<Page>): Promise<Page[]> {
  const found: Page[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

const idsOf = (page: ListDevicesAnswer | FailureAnswer): string[] =>
  page.status === "ok" ? page.devices.map(({ deviceId }) => deviceId) : [page.code];

describe("pages", () => {
  test("of devices come one after the other, each device once, as the options say", async () => {
    const pages: string[][] = [];
    for await (const page of client.devicePages({ limit: 3 })) pages.push(idsOf(page));
    expect(pages).toEqual([IDS.slice(0, 3), IDS.slice(3, 6), IDS.slice(6)]);
    const whole = await all(client.devicePages());
    expect(whole.map(idsOf)).toEqual([IDS]);
    const some = await all(client.devicePages({ devicePattern: "worker:2" }));
    expect(some.map(idsOf)).toEqual([["worker:2"]]);
    expectTypeOf(whole).toEqualTypeOf<(ListDevicesAnswer | FailureAnswer)[]>();
  });

  test("of the audit end with its end, in either order", async () => {
    for (const order of ["asc", "desc"] as const) {
      const pages = await all(client.audit.pages({ limit: 3, order }));
      const entries = pages.flatMap((page) =>
        page.status === "ok" ? page.entries.map(({ line }) => line) : [page.code],
      );
      expect(entries).toHaveLength(IDS.length + 1);
      expect(new Set(entries.map((entry) => JSON.stringify(entry))).size).toBe(entries.length);
    }
  });

  test("end with a failure, which is told", async () => {
    const stranger = new MachineID({ orgKey: "org_0123456789abcdef", baseUrl: authority.url });
    const pages = await all(stranger.devicePages());
    expect(pages.map(idsOf)).toEqual([["ORG_KEY_INVALID"]]);
  });

  test("end where a cursor leads nowhere", async () => {
    await using server = await startHttpServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ status: "ok", devices: [], cursor: "7" }));
    });
    const lost = new MachineID({ orgKey: "org_0123456789abcdef", baseUrl: server.url });
    expect(await all(lost.devicePages())).toHaveLength(2);
  });
});
