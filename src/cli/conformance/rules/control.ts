import { RequestError } from "../../../client/index.ts";
import { ROUTES } from "../../../wire/index.ts";
import { must, seen, Violation } from "../rule.ts";
import type { Rule } from "../rule.ts";
import type { Heard } from "../exchange.ts";

/** Rules of what an org can hold its agents to, and prove, beyond the API. */
export const controlRules: readonly Rule[] = [
  {
    id: "key.agent",
    says: "An agent's key checks its own device, and neither another's nor restores anything.",
    feature: "scoped_keys",
    async check(subject) {
      const [mine, other] = [await subject.registered(), await subject.registered()];
      const made = await subject.do("createKey", { role: "agent", devicePattern: mine });
      const { secret, key } = made.json;
      must(made.status === 200 && typeof secret === "string", `keys/create: ${made.status}`);
      const { keyId } = Object(key) as { readonly keyId?: unknown };
      try {
        const own = await subject.verdict(mine, secret);
        must(own.outcome === "allowed", `its own device is ${own.outcome}`);
        const foreign = await subject.do("validate", { deviceId: other }, secret);
        must(foreign.status === 403, `another's device: status ${foreign.status}`);
        await subject.change("revoke", mine);
        for (const operation of ["unrevoke", "remove"] as const) {
          const { status } = await subject.do(operation, { deviceId: mine }, secret);
          must(status === 403, `${operation}: status ${status}`);
        }
      } finally {
        await subject.do("revokeKey", { keyId });
      }
      const { status } = await subject.do("validate", { deviceId: mine }, secret);
      must(status === 401, `after its key was revoked: status ${status}`);
    },
  },
  {
    id: "org.stop",
    says: "A stopped org's devices are denied with ORG_DISABLED, new ones too, until it is resumed.",
    needsAdmin: true,
    feature: "org_stop",
    async check(subject) {
      const { key } = await subject.ownOrg("first", "unlimited");
      const deviceId = await subject.registered(key);
      const stopped = await subject.do("stopOrg", { reason: "conformance" }, key);
      let resumed: Heard;
      try {
        must(stopped.status === 200, `org/stop: status ${stopped.status}`);
        const newcomer = subject.newDevice(key);
        await subject.do("register", { deviceId: newcomer }, key);
        for (const id of [deviceId, newcomer]) {
          const { json } = await subject.do("validate", { deviceId: id }, key);
          const isDenied = json["allowed"] === false && json["code"] === "ORG_DISABLED";
          must(isDenied, `allowed is ${seen(json["allowed"])}, with ${seen(json["code"])}`);
        }
      } finally {
        resumed = await subject.do("resumeOrg", {}, key);
      }
      must(resumed.status === 200, `org/resume: status ${resumed.status}`);
      const { outcome } = await subject.verdict(deviceId, key);
      must(outcome === "allowed", `once resumed it is ${outcome}`);
    },
  },
  {
    id: "if_version.conflict",
    says: "A restore that has not seen the latest stop of its device is answered 409, and restores nothing.",
    feature: "if_version",
    async check(subject) {
      const deviceId = await subject.registered();
      const { json } = await subject.change("revoke", deviceId);
      const version = Number(json["version"]);
      must(Number.isSafeInteger(version), `revoke has the version ${seen(json["version"])}`);
      const late = await subject.do("unrevoke", { deviceId, if_version: version - 1 });
      must(late.status === 409, `a late restore: status ${late.status}`);
      const { outcome } = await subject.verdict(deviceId);
      must(outcome === "denied", `afterwards it is ${outcome}`);
      const { status } = await subject.do("unrevoke", { deviceId, if_version: version });
      must(status === 200, `a restore that has seen it: status ${status}`);
    },
  },
  {
    id: "audit.tells",
    says: "The audit has every change, with its reason, and every denial, once they are answered.",
    feature: "audit",
    async check(subject) {
      const deviceId = await subject.registered();
      const reason = "conformance";
      await subject.do("revoke", { deviceId, reason });
      await subject.verdict(deviceId);
      const { method, path } = ROUTES.audit;
      const query = new URLSearchParams({ deviceId, order: "desc" }).toString();
      const { status, json } = await subject.ask({ method, path: `${path}?${query}` });
      must(status === 200, `status ${status}`);
      const entries = Array.isArray(json["entries"]) ? json["entries"].map(entryOf) : [];
      const revoke = entries.find(({ op }) => op === "revoke");
      must(revoke !== undefined, "it has no entry of the revoke");
      must(Object(revoke["detail"]).reason === reason, `its detail is ${seen(revoke["detail"])}`);
      const denial = entries.find(({ op }) => op === "validate");
      must(denial?.["code"] === "DEVICE_REVOKED", "it has no entry of the denial");
    },
  },
  {
    id: "receipts.verify",
    says: "A decision that was asked for with a nonce has a receipt, which the published keys verify.",
    feature: "receipts",
    async check(subject) {
      const deviceId = await subject.registered();
      const { status, text } = await subject.do("jwks");
      must(status === 200, `the public keys: status ${status}`);
      try {
        const { allowed } = await subject.clientThatTrusts(text).validate(deviceId);
        must(allowed, `allowed is ${seen(allowed)}`);
      } catch (error) {
        if (!RequestError.isInstance(error)) throw error;
        throw new Violation(error.message);
      }
    },
  },
];

/** What an entry says, as it was written. */
function entryOf(entry: unknown): Readonly<Record<string, unknown>> {
  const { line } = Object(entry) as { readonly line?: unknown };
  try {
    return Object(JSON.parse(String(line))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
