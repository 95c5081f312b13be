import { readRegistration } from "../../../wire/index.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";

/** Whether an answer says that the cap is reached, as today's servers or older ones say it. */
function isAtCap({ status, json }: Awaited<ReturnType<Subject["do"]>>): boolean {
  const { outcome, code } = readRegistration(status, json);
  return outcome === "denied" && code === "DEVICE_LIMIT_REACHED";
}

/** Rules of `register`. */
export const registrationRules: readonly Rule[] = [
  {
    id: "register.new",
    says: "A new device is registered with 200 and status ok, and named in the answer.",
    async check(subject) {
      const deviceId = subject.newDevice();
      const { status, json } = await subject.do("register", { deviceId });
      must(status === 200, `status ${status} ${seen(json)}`);
      must(json["status"] === "ok", `its status is ${seen(json["status"])}, not ok`);
      must(json["deviceId"] === deviceId, `it names ${seen(json["deviceId"])}`);
    },
  },
  {
    id: "register.idempotent",
    says: "Registering a device again answers 200 with status exists.",
    async check(subject) {
      const deviceId = await subject.registered();
      const { status, json } = await subject.do("register", { deviceId });
      must(status === 200 && json["status"] === "exists", `${status} ${seen(json["status"])}`);
    },
  },
  {
    id: "register.plan_fields",
    says: "It answers the plan: tier, state, end, limit, places used and left.",
    async check(subject) {
      const { json } = await subject.do("register", { deviceId: subject.newDevice() });
      expectPlan(json);
    },
  },
  {
    id: "register.never_restores",
    says: "Registering a revoked device is refused with 403 and DEVICE_REVOKED, and restores nothing.",
    async check(subject) {
      const deviceId = await subject.registered();
      await subject.change("revoke", deviceId);
      const { status, json } = await subject.do("register", { deviceId });
      must(status === 403, `status ${status} ${seen(json)}`);
      must(json["status"] === "blocked", `its status is ${seen(json["status"])}, not blocked`);
      must(json["code"] === "DEVICE_REVOKED", `its code is ${seen(json["code"])}`);
      const { outcome } = await subject.verdict(deviceId);
      must(outcome !== "allowed", "afterwards the device is allowed");
    },
  },
  {
    id: "register.cap",
    says: "Over the plan's cap no device is registered.",
    needsAdmin: true,
    async check(subject) {
      const { key } = await subject.ownOrg("first", 1);
      await subject.registered(key);
      const surplus = subject.newDevice(key);
      const heard = await subject.do("register", { deviceId: surplus }, key);
      must(
        isAtCap(heard),
        `the second device of a plan for one: ${heard.status} ${seen(heard.json)}`,
      );
      const { outcome } = await subject.verdict(surplus, key);
      must(outcome !== "allowed", "the device that was refused is allowed");
    },
  },
  {
    id: "register.cap_under_concurrency",
    says: "The cap holds when many register at the same time.",
    needsAdmin: true,
    async check(subject) {
      const cap = 3;
      const { key } = await subject.ownOrg("first", cap);
      const devices = Array.from({ length: 12 }, () => subject.newDevice(key));
      const answers = await Promise.all(
        devices.map((deviceId) => subject.do("register", { deviceId }, key)),
      );
      const made = answers.filter(
        ({ status, json }) => readRegistration(status, json).outcome === "allowed",
      );
      must(made.length === cap, `${made.length} of 12 were registered on a plan for ${cap}`);
    },
  },
  {
    id: "register.revoked_frees_place",
    says: "A revoked device frees its place under the cap.",
    needsAdmin: true,
    async check(subject) {
      const { key } = await subject.ownOrg("first", 1);
      const first = await subject.registered(key);
      await subject.change("revoke", first, key);
      const { status, json } = await subject.do(
        "register",
        { deviceId: subject.newDevice(key) },
        key,
      );
      must(readRegistration(status, json).outcome === "allowed", `${status} ${seen(json)}`);
    },
  },
];

/** @throws Violation when an answer has not the plan fields, or they contradict each other */
export function expectPlan(json: Readonly<Record<string, unknown>>): void {
  const { planTier, planState, accessUntil, limit, devicesUsed, remaining } = json;
  must(typeof planTier === "string", `planTier is ${seen(planTier)}`);
  must(typeof planState === "string", `planState is ${seen(planState)}`);
  must(
    accessUntil === null || typeof accessUntil === "string",
    `accessUntil: ${seen(accessUntil)}`,
  );
  must(typeof devicesUsed === "number", `devicesUsed is ${seen(devicesUsed)}`);
  const { overLimit, softGraceWindow } = json;
  must(typeof overLimit === "boolean", `overLimit is ${seen(overLimit)}`);
  must(typeof softGraceWindow === "boolean", `softGraceWindow is ${seen(softGraceWindow)}`);
  if (limit === null) must(remaining === null, `remaining is ${seen(remaining)} without a limit`);
  else {
    must(typeof limit === "number", `limit is ${seen(limit)}`);
    const left = Math.max(0, limit - devicesUsed);
    must(remaining === left, `remaining is ${seen(remaining)}, of ${limit} less ${devicesUsed}`);
    must(overLimit === devicesUsed > limit, `overLimit is ${seen(overLimit)}`);
  }
}
