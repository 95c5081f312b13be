import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Rules of revoke, unrevoke and remove. */
export const changeRules: readonly Rule[] = [
  {
    id: "revoke.answer",
    says: "Revoking answers 200 with status ok and names the device.",
    async check(subject) {
      const deviceId = await subject.registered();
      const { status, json } = await subject.do("revoke", { deviceId });
      must(status === 200, `status ${status} ${seen(json)}`);
      must(json["status"] === "ok", `its status is ${seen(json["status"])}`);
      must(json["deviceId"] === deviceId, `it names ${seen(json["deviceId"])}`);
    },
  },
  {
    id: "revoke.idempotent",
    says: "Revoking a revoked device answers 200, and it stays revoked.",
    async check(subject) {
      const deviceId = await subject.registered();
      await subject.change("revoke", deviceId);
      const { status } = await subject.do("revoke", { deviceId });
      must(status === 200, `status ${status}`);
      const { outcome } = await subject.verdict(deviceId);
      must(outcome === "denied", `afterwards it is ${outcome}`);
    },
  },
  {
    id: "unrevoke.answer",
    says: "Unrevoking answers 200 with status ok and names the device.",
    async check(subject) {
      const deviceId = await subject.registered();
      await subject.change("revoke", deviceId);
      const { status, json } = await subject.do("unrevoke", { deviceId });
      must(status === 200, `status ${status} ${seen(json)}`);
      must(json["status"] === "ok", `its status is ${seen(json["status"])}`);
      must(json["deviceId"] === deviceId, `it names ${seen(json["deviceId"])}`);
    },
  },
  {
    id: "remove.forgets",
    says: "A removed device is denied, and can be registered as a new one.",
    async check(subject) {
      const deviceId = await subject.registered();
      await subject.change("remove", deviceId);
      const { outcome } = await subject.verdict(deviceId);
      must(outcome === "denied", `afterwards it is ${outcome}`);
      const { json } = await subject.do("register", { deviceId });
      must(json["status"] === "ok", `registering it answers ${seen(json["status"])}`);
    },
  },
  ...(["revoke", "unrevoke", "remove"] as const).map((operation): Rule => ({
    id: `${operation}.unknown_device`,
    says: `To ${operation} a device that is not there is answered 404.`,
    async check(subject) {
      const { status } = await subject.do(operation, { deviceId: subject.newDevice() });
      must(status === 404, `status ${status}`);
    },
  })),
  {
    id: "revoke_batch.all",
    says: "A batch revokes all its devices.",
    async check(subject) {
      const deviceIds = [await subject.registered(), await subject.registered()];
      const { status, json } = await subject.do("revokeBatch", { deviceIds });
      must(status === 200, `status ${status} ${seen(json)}`);
      for (const deviceId of deviceIds) {
        const { outcome } = await subject.verdict(deviceId);
        must(outcome === "denied", `one of two is ${outcome}`);
      }
    },
  },
  {
    id: "unrevoke_batch.all",
    says: "A batch restores all its devices.",
    async check(subject) {
      const deviceIds = [await subject.registered(), await subject.registered()];
      for (const deviceId of deviceIds) await subject.change("revoke", deviceId);
      const { status, json } = await subject.do("unrevokeBatch", { deviceIds });
      must(status === 200, `status ${status} ${seen(json)}`);
      for (const deviceId of deviceIds) {
        const { outcome } = await subject.verdict(deviceId);
        must(outcome === "allowed", `one of two is ${outcome}`);
      }
    },
  },
];
