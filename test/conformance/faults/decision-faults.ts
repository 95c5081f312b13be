import type { Fault, Returning } from "../faulty-authority.ts";
import {
  at,
  spoil,
  decision,
  isAllowed,
  isCode,
  put,
  lose,
  ok,
  deviceIdOf,
  resend,
  DEVICES,
  isOddId,
} from "./spoil.ts";

const crowdedKeys = new Set<string>();
const onePlace = new Set<string>();

/** Answers validate from a memory 50 ms old, when several ask at the same time. */
function forgetful(): Fault {
  const remembered = new Map<string, { readonly at: number; readonly answer: Returning }>();
  let waiting = 0;
  return {
    async asked(passing, real) {
      if (!at(passing, "/validate") || passing.method !== "POST") return undefined;
      const known = remembered.get(passing.text);
      waiting += 1;
      try {
        // The others that ask at the same time arrive meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 2));
        const fresh = await real(passing);
        const old = known !== undefined && performance.now() - known.at < 50 && waiting > 1;
        if (waiting > 1 && !old)
          remembered.set(passing.text, { at: performance.now(), answer: fresh });
        return old ? { ...known.answer } : fresh;
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** Registers whatever is asked, one at a time within the cap, many together beyond it. */
function racing(): Fault {
  let waiting = 0;
  return {
    async asked(passing, real) {
      if (!at(passing, "/register")) return undefined;
      waiting += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      const crowded = waiting > 1;
      const answer = await real(passing);
      waiting -= 1;
      if (crowded && answer.json["code"] === "DEVICE_LIMIT_REACHED") {
        answer.status = 200;
        answer.json["status"] = "ok";
        delete answer.json["allowed"];
        delete answer.json["code"];
      }
      return answer;
    },
  };
}

export const DECISION_FAULTS: Readonly<Record<string, () => Fault>> = {
  "register.new": () =>
    spoil("/register", (answer, passing) => {
      if (answer.json["status"] === "ok" && !isOddId(deviceIdOf(passing)))
        put({ deviceId: "another" })(answer);
    }),
  "register.idempotent": () =>
    spoil("/register", (answer) => {
      if (answer.json["status"] === "exists") answer.status = 201;
    }),
  "register.plan_fields": () => spoil("/register", lose("planTier")),
  "register.never_restores": () =>
    spoil("/register", (answer) => {
      if (answer.json["code"] === "DEVICE_REVOKED") answer.status = 200;
    }),
  "register.cap": () => ({
    async answered(returning, passing, real) {
      if (!at(passing, "/register") || returning.json["code"] !== "DEVICE_LIMIT_REACHED") return;
      if (returning.json["limit"] !== 1) return;
      await resend(real, passing, `${DEVICES}/revoke`, { deviceId: "none" });
      returning.status = 200;
      put({ status: "ok" })(returning);
      lose("code", "allowed", "error")(returning);
    },
  }),
  "register.cap_under_concurrency": racing,
  "register.revoked_frees_place": () => ({
    asked(passing) {
      if (!at(passing, "/register") || passing.headers["x-org-key"] === undefined) return undefined;
      const key = passing.headers["x-org-key"];
      return crowdedKeys.has(key)
        ? ok({ status: "blocked", code: "DEVICE_LIMIT_REACHED", allowed: false }, 403)
        : undefined;
    },
    answered(returning, passing) {
      const key = passing.headers["x-org-key"] ?? "";
      if (
        at(passing, "/register") &&
        returning.json["limit"] === 1 &&
        returning.json["remaining"] === 0
      )
        onePlace.add(key);
      if (at(passing, "/revoke") && onePlace.has(key)) crowdedKeys.add(key);
      if (at(passing, "/remove")) {
        crowdedKeys.delete(key);
        onePlace.delete(key);
      }
    },
  }),
  "validate.allow": () => decision(isAllowed, put({ code: "OK" })),
  "validate.unregistered": () =>
    decision(isCode("DEVICE_NOT_REGISTERED"), (answer) => {
      answer.status = 404;
    }),
  "validate.revoked": () =>
    decision(isCode("DEVICE_REVOKED"), (answer) => {
      answer.status = 403;
    }),
  "validate.at_once": forgetful,
  "validate.legacy_words": () => decision(isAllowed, lose("reason")),
  "validate.post_only": () => ({
    asked: (passing) =>
      at(passing, "/validate") && passing.method === "GET" ? ok({ allowed: false }) : undefined,
  }),
  "validate.plan_frozen": () => decision(isCode("PLAN_FROZEN"), put({ code: "PLAN_NOT_ACTIVE" })),
  "validate.plan_lapsed": () => decision(isCode("PLAN_NOT_ACTIVE"), put({ code: "PLAN_FROZEN" })),
  "validate.over_cap": () => {
    const over = new Set<string>();
    return {
      asked(passing) {
        if (at(passing, "/org/plan") && passing.body["plan"] === 1) over.add("yes");
        return undefined;
      },
      answered(returning, passing) {
        if (at(passing, "/remove")) over.clear();
        const isDue = over.size > 0 && at(passing, "/validate") && isAllowed(returning.json);
        if (isDue) put({ allowed: false, code: "DEVICE_LIMIT_REACHED" })(returning);
      },
    };
  },
};
