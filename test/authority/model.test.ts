import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";

type Step = readonly [operation: string, ...deviceIds: string[]];

const DEVICES = ["a", "b", "c", "d", "__proto__", "日本"];
const CAP = 3;

/** What an org should do, as short as it can be said. */
class Model {
  readonly #devices = new Map<string, boolean>();

  #used(): number {
    return [...this.#devices.values()].filter((revoked) => !revoked).length;
  }

  #set(deviceId: string, revoked: boolean): string {
    const was = this.#devices.get(deviceId);
    if (was === undefined) return "not_found";
    this.#devices.set(deviceId, revoked);
    return was === revoked ? "same" : "changed";
  }

  apply([operation, ...deviceIds]: Step): string {
    const [deviceId = ""] = deviceIds;
    const revoked = this.#devices.get(deviceId);
    if (operation === "revoke_batch" || operation === "unrevoke_batch") {
      return deviceIds.map((id) => this.#set(id, operation === "revoke_batch")).join();
    }
    if (operation === "revoke" || operation === "unrevoke") {
      return this.#set(deviceId, operation === "revoke");
    }
    if (operation === "remove") return this.#devices.delete(deviceId) ? "changed" : "not_found";
    if (revoked === true) return "DEVICE_REVOKED";
    if (operation === "validate") return revoked === false ? "ALLOW" : "DEVICE_NOT_REGISTERED";
    if (revoked === false) return "exists";
    if (this.#used() >= CAP) return "DEVICE_LIMIT_REACHED";
    this.#devices.set(deviceId, false);
    return "ok";
  }

  state(): string {
    return [...this.#devices].map(([deviceId, revoked]) => `${deviceId}:${revoked}`).join();
  }
}

const single = fc.constantFrom("register", "validate", "revoke", "unrevoke", "remove");
const batch = fc.constantFrom("revoke_batch", "unrevoke_batch");
const device = fc.constantFrom(...DEVICES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(single, device) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(batch, fc.array(device, { minLength: 1, maxLength: 5 }))
      .map(([operation, deviceIds]): Step => [operation, ...deviceIds]),
  },
);

/** Takes one step over HTTP, and says what came of it in the model's words. */
async function take(authority: TestAuthority, [operation, ...deviceIds]: Step): Promise<string> {
  const isBatch = operation.endsWith("_batch");
  const { status, body } = await call(
    authority,
    "POST",
    `/api/v1/devices/${operation}`,
    isBatch ? { deviceIds } : { deviceId: deviceIds[0] },
  );
  const word = (found: boolean, changed: unknown): string => {
    if (!found) return "not_found";
    return changed === true ? "changed" : "same";
  };
  if (isBatch) {
    const results = body["results"] as { status: string; changed: boolean }[];
    return results.map((result) => word(result.status === "ok", result.changed)).join();
  }
  if (operation === "validate") return String(body["code"]);
  if (operation === "register") return String(body["code"] ?? body["status"]);
  return word(status === 200, body["changed"]);
}

async function state(authority: TestAuthority): Promise<string> {
  const { body } = await call(authority, "GET", "/api/v1/devices/list");
  const devices = body["devices"] as { deviceId: string; revoked: boolean }[];
  return devices.map(({ deviceId, revoked }) => `${deviceId}:${revoked}`).join();
}

describe("an org", () => {
  it("agrees with its model, step by step", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using authority = await startTestAuthority({ plan: CAP });
        const model = new Model();
        for (const each of steps) expect(await take(authority, each)).toBe(model.apply(each));
        expect(await state(authority)).toBe(model.state());
        expect(await verifyAudit(authority.store)).toMatchObject({ ok: true });
      }),
      { numRuns: 40 },
    );
  });

  it("agrees, when steps come at once, with the model taking them in the audit's order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(single, device), { maxLength: 60 }), async (steps) => {
        await using authority = await startTestAuthority({ plan: CAP });
        const answers = new Map<string, { step: Step; said: string }>();
        await Promise.all(
          steps.map(async (each) => {
            const [operation, deviceId] = each;
            const path = `/api/v1/devices/${operation}`;
            const { body } = await call(authority, "POST", path, { deviceId });
            const said = JSON.stringify([body["code"], body["status"], body["changed"]]);
            answers.set(String(body["request_id"]), { step: each, said });
          }),
        );
        const model = new Model();
        const chains = await authority.store.auditChains();
        const chain = chains.find(({ orgId }) => orgId !== "");
        const rows = await authority.store.auditRows(chain?.id ?? 0, 0, 1_000);
        for (const { entry } of rows) {
          const { request_id: id } = JSON.parse(entry) as { request_id: string };
          const answer = answers.get(id);
          if (answer === undefined) continue;
          const expected = model.apply(answer.step);
          if (expected === "changed" || expected === "same") {
            expect(answer.said).toContain(String(expected === "changed"));
          } else {
            expect(answer.said).toContain(`"${expected}"`);
          }
          answers.delete(id);
        }
        // What is in no row changed nothing: it named a device that was not there.
        for (const { said } of answers.values()) expect(said).toContain("DEVICE_NOT_FOUND");
        expect(await state(authority)).toBe(model.state());
      }),
      { numRuns: 40 },
    );
  });

  it("registers exactly three of 200 that come at once on a free plan", async () => {
    await using authority = await startTestAuthority({ plan: "free" });
    const steps = Array.from({ length: 200 }, (_, place): Step => ["register", `device-${place}`]);
    const said = await Promise.all(steps.map((each) => take(authority, each)));
    const count = (word: string) => said.filter((each) => each === word).length;
    expect([count("ok"), count("DEVICE_LIMIT_REACHED")]).toEqual([3, 197]);
    expect((await call(authority, "GET", "/api/v1/usage")).body).toMatchObject({ devicesUsed: 3 });
  });

  it("registers a device once, though it is asked 50 times at once", async () => {
    await using authority = await startTestAuthority({ plan: "free" });
    const steps = Array.from({ length: 50 }, (): Step => ["register", "same"]);
    const said = await Promise.all(steps.map((each) => take(authority, each)));
    expect(said.toSorted()).toEqual([...Array.from({ length: 49 }, () => "exists"), "ok"]);
  });
});
