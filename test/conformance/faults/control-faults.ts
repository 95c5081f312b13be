import type { Fault } from "../faulty-authority.ts";
import { at, isCode, decision, ok, put, spoil } from "./spoil.ts";

export const CONTROL_FAULTS: Readonly<Record<string, () => Fault>> = {
  "key.agent": () => ({
    asked: (passing) =>
      at(passing, "/unrevoke") && passing.headers["x-org-key"]?.startsWith("agt_") === true
        ? ok({ status: "ok", handler: "devices/unrevoke", changed: true })
        : undefined,
  }),
  "org.stop": () => decision(isCode("ORG_DISABLED"), put({ allowed: true, code: "ALLOW" })),
  "if_version.conflict": () => ({
    asked(passing) {
      if (!at(passing, "/unrevoke")) return;
      const { if_version: _passedOver, ...kept } = passing.body;
      passing.text = JSON.stringify(kept);
    },
  }),
  "stops.wait": () =>
    spoil("/revoke", ({ json }) => {
      const { stop } = json;
      if (typeof stop === "object" && stop !== null) json["stop"] = { ...stop, state: "fenced" };
    }),
  "audit.tells": () =>
    spoil("/audit", ({ json }) => {
      if (Array.isArray(json["entries"])) json["entries"] = json["entries"].slice(1);
    }),
  "receipts.verify": () =>
    spoil("/validate", ({ json }) => {
      const [header, payload, signature = ""] = String(json["receipt"]).split(".");
      if (json["receipt"] === undefined) return;
      json["receipt"] = [header, payload, signature.split("").toReversed().join("")].join(".");
    }),
};
