import {
  MAX_DEVICE_ID_LENGTH,
  MAX_REQUEST_BYTES,
  readDecision,
  ROUTES,
} from "../../../wire/index.ts";
import type { Ask } from "../exchange.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";

const { method, path } = ROUTES.validate;

const refused = (id: string, says: string, status: number, ask: Partial<Ask>): Rule => ({
  id,
  says,
  async check(subject) {
    const heard = await subject.ask({ method, path, ...ask });
    must(heard.status === status, `status ${heard.status}`);
  },
});

/** Rules of what may be sent. */
export const inputRules: readonly Rule[] = [
  refused("input.not_json", "A body that is no JSON is answered 400.", 400, {
    raw: '{"deviceId":',
  }),
  refused("input.no_object", "A body that is no object is answered 400.", 400, { body: ["a"] }),
  refused("input.no_device_id", "A missing device id is answered 400.", 400, { body: {} }),
  refused("input.empty_device_id", "A blank device id is answered 400.", 400, {
    body: { deviceId: "   " },
  }),
  refused("input.control_characters", "A device id with control characters is answered 400.", 400, {
    body: { deviceId: "a\u0000b" },
  }),
  refused("input.lone_surrogate", "A device id that is no well-formed text is answered 400.", 400, {
    raw: String.raw`{"deviceId":"a\ud800"}`,
  }),
  refused("input.too_long", "A device id of more than 256 UTF-16 units is answered 400.", 400, {
    body: { deviceId: "a".repeat(MAX_DEVICE_ID_LENGTH + 1) },
  }),
  refused("input.too_large", "A body over 64 KiB is answered 413.", 413, {
    body: { deviceId: "a", more: "b".repeat(MAX_REQUEST_BYTES) },
  }),
  refused("input.media_type", "A body that is not sent as JSON is answered 415.", 415, {
    body: { deviceId: "a" },
    contentType: "text/plain",
  }),
  refused("input.unknown_path", "A path that is not there is answered 404.", 404, {
    method: "POST",
    path: "/api/v1/devices/conformance-knows-no-such-path",
    body: {},
  }),
  {
    id: "input.trimmed",
    says: "White space around a device id is no part of it.",
    async check(subject) {
      const deviceId = await subject.registered();
      const { status, json } = await subject.do("validate", { deviceId: `  ${deviceId}\t` });
      const { outcome } = readDecision(status, json, deviceId);
      must(outcome === "allowed", `with spaces around it, it is ${outcome}`);
    },
  },
  {
    id: "input.longest",
    says: "A device id of 256 UTF-16 units is taken.",
    async check(subject) {
      const short = subject.newDevice();
      const deviceId = short.padEnd(MAX_DEVICE_ID_LENGTH, "x");
      subject.remember(deviceId);
      const { status, json } = await subject.do("register", { deviceId });
      must(json["status"] === "ok", `${status} ${seen(json["code"])}`);
    },
  },
  {
    id: "input.any_text",
    says: "A device id may be any text, and comes back as it was sent.",
    async check(subject) {
      const deviceId = `${subject.newDevice()}:Ünïcødé:日本語:👩‍🚀 "quoted" \\ / <b>`;
      subject.remember(deviceId);
      const { json } = await subject.do("register", { deviceId });
      must(json["deviceId"] === deviceId, `it names ${seen(json["deviceId"])}`);
      const { json: decided } = await subject.do("validate", { deviceId });
      must(decided["allowed"] === true, `it is then ${seen(decided["code"])}`);
    },
  },
];
