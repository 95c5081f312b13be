import type { Fault } from "../faulty-authority.ts";
import { at, spoil, put, lose, ok, deviceIdOf } from "./spoil.ts";

/** Takes a device that never was for one that is. */
function missing(name: string): Fault {
  const registered = new Set<string>();
  return {
    answered(answer, passing) {
      const deviceId = deviceIdOf(passing);
      if (at(passing, "/register")) registered.add(deviceId);
      if (!at(passing, name) || answer.status !== 404 || registered.has(deviceId)) return;
      answer.status = 200;
      put({ status: "ok", deviceId })(answer);
    },
  };
}

/** Of a batch, all but the last are changed. */
function lastLeftOut(name: string): Fault {
  return {
    asked(passing) {
      const ids = passing.body["deviceIds"];
      if (at(passing, name) && Array.isArray(ids)) {
        passing.text = JSON.stringify({ deviceIds: ids.slice(0, -1) });
      }
    },
  };
}

export const CHANGE_FAULTS: Readonly<Record<string, () => Fault>> = {
  "revoke.answer": () => spoil("/revoke", put({ deviceId: "another" })),
  "revoke.idempotent": () =>
    spoil("/revoke", (answer) => {
      if (answer.json["changed"] === false) answer.status = 409;
    }),
  "unrevoke.answer": () => spoil("/unrevoke", put({ deviceId: "another" })),
  "remove.forgets": () => {
    const gone = new Set<string>();
    return {
      answered(returning, passing) {
        if (at(passing, "/remove") && returning.status === 200) gone.add(deviceIdOf(passing));
        if (at(passing, "/register") && gone.has(deviceIdOf(passing)))
          put({ status: "exists" })(returning);
      },
    };
  },
  "revoke.unknown_device": () => missing("/revoke"),
  "unrevoke.unknown_device": () => missing("/unrevoke"),
  "remove.unknown_device": () => missing("/remove"),
  "revoke_batch.all": () => lastLeftOut("/revoke_batch"),
  "unrevoke_batch.all": () => lastLeftOut("/unrevoke_batch"),
  "list.shows": () => {
    const gone = new Set<string>();
    return {
      answered(returning, passing) {
        if (at(passing, "/remove")) gone.add(deviceIdOf(passing));
        if (!at(passing, "/list") || returning.status !== 200) return;
        const devices = returning.json["devices"] as unknown[];
        for (const deviceId of gone) devices.push({ deviceId, status: "active", revoked: false });
      },
    };
  },
  "list.revoked": () =>
    spoil("/list", ({ json }) => {
      for (const device of (json["devices"] ?? []) as Record<string, unknown>[]) {
        Object.assign(device, { status: "active", revoked: false });
      }
    }),
  "usage.plan_fields": () => spoil("/usage", lose("planState")),
  "usage.counts": () =>
    spoil("/usage", ({ json }) => {
      const { devicesUsed, limit } = json;
      if (limit === null && devicesUsed === 0) json["devicesUsed"] = 1;
    }),
  "key.missing": () => ({
    asked: (passing) =>
      at(passing, "/usage") &&
      passing.headers["x-org-key"] === undefined &&
      !passing.path.includes("?")
        ? ok({ status: "ok" })
        : undefined,
  }),
  "key.unknown": () => ({
    answered(returning, passing) {
      if (at(passing, "/remove") && returning.status === 401) returning.status = 404;
    },
  }),
  "key.never_in_url": () => ({
    asked(passing) {
      const key = new URL(passing.path, "http://a").searchParams.get("key");
      if (key !== null) passing.headers["x-org-key"] = key;
    },
  }),
  "org.isolation": () => {
    let devices: unknown[] = [];
    return {
      answered(returning, passing) {
        if (at(passing, "/register")) devices = [{ deviceId: deviceIdOf(passing) }];
        if (at(passing, "/remove") && returning.status === 200) devices = [];
        const list = returning.json["devices"];
        if (at(passing, "/list") && Array.isArray(list) && list.length === 0) list.push(...devices);
      },
    };
  },
  "org.create": () => {
    const keys = new Map<string, string>();
    return {
      asked(passing) {
        const key = keys.get(passing.headers["x-org-key"] ?? "");
        if (key !== undefined) passing.headers["x-org-key"] = key;
      },
      answered({ json }, passing) {
        if (!at(passing, "/org/create") || typeof json["orgApiKey"] !== "string") return;
        keys.set(json["orgApiKey"].replace("org_", "key_"), json["orgApiKey"]);
        json["orgApiKey"] = json["orgApiKey"].replace("org_", "key_");
      },
    };
  },
  "org.create_needs_admin": () => ({
    asked: (passing) =>
      at(passing, "/org/create") && passing.headers["x-admin-key"] === undefined
        ? ok({ status: "ok", orgApiKey: "org_made-by-anybody-0123456789" })
        : undefined,
  }),
};
