import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";
import { expectPlan } from "./registration.ts";

async function listed(
  subject: Subject,
  deviceId: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { status, json } = await subject.do("listDevices");
  const { devices } = json;
  must(status === 200 && Array.isArray(devices), `${status} ${seen(json)}`);
  const rows = devices as readonly Readonly<Record<string, unknown>>[];
  return rows.find((device) => device["deviceId"] === deviceId);
}

/** Rules of list and usage. */
export const readingRules: readonly Rule[] = [
  {
    id: "list.shows",
    says: "The list shows a registered device, and no longer once it was removed.",
    async check(subject) {
      const deviceId = await subject.registered();
      must((await listed(subject, deviceId)) !== undefined, "a registered device is not in it");
      await subject.change("remove", deviceId);
      must((await listed(subject, deviceId)) === undefined, "a removed device is in it");
    },
  },
  {
    id: "list.revoked",
    says: "The list tells revoked devices from others.",
    async check(subject) {
      const deviceId = await subject.registered();
      const before = await listed(subject, deviceId);
      await subject.change("revoke", deviceId);
      const after = await listed(subject, deviceId);
      // What says so may be `status`, `revoked` or both.
      const states = [before, after].map((row) => seen([row?.["status"], row?.["revoked"]]));
      must(states[0] !== states[1], `a revoked device looks as before: ${states[1]}`);
    },
  },
  {
    id: "usage.plan_fields",
    says: "Usage answers the plan: tier, state, end, limit, places used and left.",
    async check(subject) {
      const { status, json } = await subject.do("usage");
      must(status === 200, `status ${status}`);
      expectPlan(json);
    },
  },
  {
    id: "usage.counts",
    says: "Usage counts registered devices that are not revoked.",
    needsAdmin: true,
    async check(subject) {
      const { key } = await subject.ownOrg("first", "unlimited");
      const used = async (): Promise<unknown> =>
        (await subject.do("usage", undefined, key)).json["devicesUsed"];
      const none = await used();
      const deviceId = await subject.registered(key);
      const one = await used();
      await subject.change("revoke", deviceId, key);
      const again = await used();
      must(none === 0 && one === 1 && again === 0, `it counts ${seen([none, one, again])}`);
    },
  },
];
