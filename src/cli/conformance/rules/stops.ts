import { ROUTES, stopAnswerSchema, stopProgressSchema } from "../../../wire/index.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Rules of stops that are known to have worked. */
export const stopRules: readonly Rule[] = [
  {
    id: "stops.wait",
    says: "A stop is not fenced while an allow that was given before it may be used, and how far it is can be read.",
    feature: "stops",
    async check(subject) {
      const deviceId = await subject.registered();
      const askedAtMs = performance.now();
      const asked = await subject.do("validate", { deviceId });
      const validMs = Number(asked.json["valid_ms"]);
      must(validMs >= 0, `an allow has the valid_ms ${seen(asked.json["valid_ms"])}`);
      const { status, json } = await subject.do("revoke", { deviceId, wait: "none" });
      must(status === 200, `a revoke that says whether to wait: status ${status}`);
      const stop = stopProgressSchema.safeParse(json["stop"]);
      must(stop.success, `its stop is ${seen(json["stop"])}`);
      const { version, state } = stop.data;
      const isUsable = performance.now() - askedAtMs < validMs;
      must(
        !isUsable || state === "pending",
        `it is ${state}, and an allow is good for ${validMs} ms`,
      );
      const path = ROUTES.readStop.path.replace("{version}", String(version));
      const read = await subject.ask({ method: "GET", path });
      must(read.status === 200, `stops/${version}: status ${read.status}`);
      must(stopAnswerSchema.safeParse(read.json).success, `it answers ${seen(read.json)}`);
    },
  },
];
