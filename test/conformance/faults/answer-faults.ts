import type { Fault, Returning } from "../faulty-authority.ts";
import {
  at,
  spoil,
  decision,
  isAllowed,
  isSigned,
  put,
  lose,
  ok,
  ID,
  tolerate,
  deviceIdOf,
  isOddId,
} from "./spoil.ts";

function repeated(): Fault {
  const usages: Returning[] = [];
  return {
    answered(returning, passing) {
      if (!at(passing, "/usage") || returning.status !== 200) return;
      usages.push(returning);
      returning.json["request_id"] = ID;
      returning.headers["x-request-id"] = ID;
    },
  };
}

export const ANSWER_FAULTS: Readonly<Record<string, () => Fault>> = {
  "answer.json": () => ({
    answered({ headers }, passing) {
      if (at(passing, "/usage")) headers["content-type"] = "text/plain";
    },
  }),
  "answer.request_id": () =>
    spoil("/usage", (answer) => {
      // Still one of its own in every answer, and the same in both places.
      const id = `r-${String(answer.json["request_id"])}`;
      put({ request_id: id })(answer);
      answer.headers["x-request-id"] = id;
    }),
  "answer.request_id_header": () => ({
    answered({ headers }) {
      headers["x-request-id"] = ID;
    },
  }),
  "answer.request_id_unique": repeated,
  "failure.denies": () => ({
    answered({ status, json }) {
      if (status >= 400) delete json["allowed"];
    },
  }),
  "failure.shape": () => ({
    answered({ status, json }) {
      if (status >= 400 && json["status"] === "error") delete json["message"];
    },
  }),
  "failure.tells_nothing": () => ({
    answered({ status, json }) {
      if (status === 400) json["message"] = "Error: no\n    at parse (/usr/src/app.js:1:1)";
    },
  }),
  "input.not_json": () => tolerate("/validate", ({ text }) => text === '{"deviceId":'),
  "input.no_object": () => tolerate("/validate", ({ text }) => text === '["a"]'),
  "input.no_device_id": () => tolerate("/validate", ({ text }) => text === "{}"),
  "input.empty_device_id": () => tolerate("/validate", (passing) => deviceIdOf(passing) === "   "),
  "input.control_characters": () =>
    tolerate("/validate", (passing) => deviceIdOf(passing) === "a\u0000b"),
  "input.lone_surrogate": () =>
    tolerate("/validate", (passing) => deviceIdOf(passing) === "a\ud800"),
  "input.too_long": () => tolerate("/validate", (passing) => deviceIdOf(passing).length === 257),
  "input.too_large": () => tolerate("/validate", ({ text }) => text.length > 65_536),
  "input.media_type": () =>
    tolerate("/validate", ({ headers }) => headers["content-type"] === "text/plain"),
  "input.unknown_path": () => ({
    answered(returning, passing) {
      if (passing.path.includes("no-such-path")) returning.status = 200;
    },
  }),
  "input.trimmed": () =>
    tolerate(
      "/validate",
      (passing) =>
        deviceIdOf(passing).trim() !== deviceIdOf(passing) && deviceIdOf(passing).trim() !== "",
    ),
  "input.longest": () => ({
    asked: (passing) =>
      at(passing, "/register") && deviceIdOf(passing).length === 256
        ? ok({ status: "error", code: "DEVICE_ID_INVALID", allowed: false }, 400)
        : undefined,
  }),
  "input.any_text": () =>
    spoil("/register", (answer, passing) => {
      if (isOddId(deviceIdOf(passing)))
        put({ deviceId: deviceIdOf(passing).toLowerCase() })(answer);
    }),
  "meta.answer": () => spoil("/meta", lose("version")),
  "version.grows": () =>
    spoil("/validate", ({ json }) => {
      if (json["version"] !== undefined && !isSigned(json)) json["version"] = 7;
    }),
  "valid_ms.term": () => decision(isAllowed, put({ valid_ms: 0 })),
  "health.healthz": () =>
    spoil("/healthz", (answer) => {
      answer.status = 500;
    }),
  "health.readyz": () =>
    spoil("/readyz", (answer) => {
      answer.status = 503;
    }),
  "openapi.document": () =>
    spoil("/openapi.json", ({ json }) => {
      delete (json["paths"] as Record<string, unknown>)["/api/v1/devices/validate"];
    }),
  "metrics.needs_admin": () =>
    spoil("/metrics", (answer, { headers }) => {
      if (headers["x-org-key"] !== undefined) answer.status = 200;
    }),
  "events.tell": () => ({
    // The names of what is told are left out where no id was given to go on from.
    streamed: (text) => text.replaceAll('"type":"change"', '"type":"rumour"'),
  }),
  "events.resume": () => ({
    asked(passing) {
      delete passing.headers["last-event-id"];
    },
  }),
};
