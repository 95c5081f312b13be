import { HANDLERS, readDecision, ROUTES } from "../../../wire/index.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";

const AT_ONCE = 6;
const ROUNDS = 5;

/** Rules of `validate`. */
export const decisionRules: readonly Rule[] = [
  {
    id: "validate.allow",
    says: "A registered device is allowed, with 200, allowed true and ALLOW.",
    async check(subject) {
      const deviceId = await subject.registered();
      const { status, json } = await subject.do("validate", { deviceId });
      must(status === 200 && json["allowed"] === true, `${status} ${seen(json)}`);
      must(json["code"] === "ALLOW", `its code is ${seen(json["code"])}`);
    },
  },
  {
    id: "validate.unregistered",
    says: "A device that is not registered is denied, with 200.",
    async check(subject) {
      const { status, json } = await subject.do("validate", { deviceId: subject.newDevice() });
      must(status === 200, `status ${status}`);
      must(json["allowed"] === false, `allowed is ${seen(json["allowed"])}`);
    },
  },
  {
    id: "validate.revoked",
    says: "A revoked device is denied, with 200 and DEVICE_REVOKED.",
    async check(subject) {
      const deviceId = await subject.registered();
      await subject.change("revoke", deviceId);
      const { status, json } = await subject.do("validate", { deviceId });
      must(status === 200, `status ${status}`);
      must(json["allowed"] === false, `allowed is ${seen(json["allowed"])}`);
      must(json["code"] === "DEVICE_REVOKED", `its code is ${seen(json["code"])}`);
    },
  },
  {
    id: "validate.at_once",
    says: "No check that begins after a revoke was answered is allowed, and after an unrevoke every one is.",
    async check(subject) {
      const deviceId = await subject.registered();
      const outcomes = async (): Promise<string[]> => {
        const verdicts = Array.from({ length: AT_ONCE }, () => subject.verdict(deviceId));
        return (await Promise.all(verdicts)).map(({ outcome }) => outcome);
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        // Whatever remembers a decision has one to remember.
        await outcomes();
        await subject.change("revoke", deviceId);
        const revoked = await outcomes();
        must(!revoked.includes("allowed"), `after a revoke: ${revoked.join(", ")}`);
        await subject.change("unrevoke", deviceId);
        const restored = await outcomes();
        must(
          restored.every((outcome) => outcome === "allowed"),
          `after an unrevoke: ${restored.join(", ")}`,
        );
      }
    },
  },
  {
    id: "validate.legacy_words",
    says: "A decision also has status, reason, handler and deviceId, for old clients.",
    async check(subject) {
      const deviceId = await subject.registered();
      const { json } = await subject.do("validate", { deviceId });
      for (const field of ["status", "reason"]) {
        must(typeof json[field] === "string", `${field} is ${seen(json[field])}`);
      }
      must(json["handler"] === HANDLERS.validate, `handler is ${seen(json["handler"])}`);
      must(json["deviceId"] === deviceId, `deviceId is ${seen(json["deviceId"])}`);
    },
  },
  {
    id: "validate.post_only",
    says: "A GET of validate is answered 405.",
    async check(subject) {
      const { status } = await subject.ask({ method: "GET", path: ROUTES.validate.path });
      must(status === 405, `status ${status}`);
    },
  },
  {
    id: "validate.plan_frozen",
    says: "While the org's plan is frozen, its devices are denied with PLAN_FROZEN.",
    needsAdmin: true,
    async check(subject) {
      const org = await subject.ownOrg("first", "unlimited");
      const deviceId = await subject.registered(org.key);
      await subject.plan(org, { planState: "frozen" });
      const { status, json } = await subject.do("validate", { deviceId }, org.key);
      const verdict = readDecision(status, json, deviceId);
      must(verdict.outcome === "denied", `it is ${verdict.outcome}`);
      must(verdict.code === "PLAN_FROZEN", `its code is ${seen(verdict.code)}`);
    },
  },
  {
    id: "validate.plan_lapsed",
    says: "After the plan's end, the org's devices are denied with PLAN_NOT_ACTIVE.",
    needsAdmin: true,
    async check(subject) {
      const org = await subject.ownOrg("first", "unlimited");
      const deviceId = await subject.registered(org.key);
      await subject.plan(org, { accessUntil: "2020-01-01T00:00:00Z" });
      const { status, json } = await subject.do("validate", { deviceId }, org.key);
      const verdict = readDecision(status, json, deviceId);
      must(verdict.outcome === "denied", `it is ${verdict.outcome}`);
      must(verdict.code === "PLAN_NOT_ACTIVE", `its code is ${seen(verdict.code)}`);
    },
  },
  {
    id: "validate.over_cap",
    says: "Devices that exist keep validating when the cap falls below their number.",
    needsAdmin: true,
    async check(subject) {
      const org = await subject.ownOrg("first", 2);
      const devices = [await subject.registered(org.key), await subject.registered(org.key)];
      await subject.plan(org, { plan: 1 });
      for (const deviceId of devices) {
        const { outcome, code } = await subject.verdict(deviceId, org.key);
        must(outcome === "allowed", `one of two is ${outcome}: ${code}`);
      }
    },
  },
];
