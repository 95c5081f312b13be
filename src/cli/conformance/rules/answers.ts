import { REQUEST_ID_HEADER, ROUTES } from "../../../wire/index.ts";
import type { Heard } from "../exchange.ts";
import { must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A decision, a reading and a failure: each kind of answer there is. */
async function eachKind(subject: Subject): Promise<readonly (readonly [string, Heard])[]> {
  return [
    ["a decision", await subject.do("validate", { deviceId: subject.newDevice() })],
    ["usage", await subject.do("usage")],
    ["a failure", await failure(subject)],
  ];
}

const failure = (subject: Subject): Promise<Heard> =>
  subject.ask({ ...ROUTES.validate, body: { deviceId: "any" }, key: null });

/** Rules of every answer. */
export const answerRules: readonly Rule[] = [
  {
    id: "answer.json",
    says: "Every answer is JSON, and says so.",
    async check(subject) {
      for (const [kind, { headers, text }] of await eachKind(subject)) {
        const type = headers.get("content-type") ?? "";
        must(/^application\/json\b/.test(type), `${kind} is ${seen(type)}`);
        must(text.trimStart().startsWith("{"), `${kind} is no JSON object`);
      }
    },
  },
  {
    id: "answer.request_id",
    says: "Every answer has a request id, a UUID.",
    async check(subject) {
      for (const [kind, { json }] of await eachKind(subject)) {
        const id = json["request_id"];
        must(typeof id === "string" && UUID.test(id), `${kind} has ${seen(id)}`);
      }
    },
  },
  {
    id: "answer.request_id_header",
    says: `The header ${REQUEST_ID_HEADER} repeats an answer's request id.`,
    async check(subject) {
      for (const [kind, { headers, json }] of await eachKind(subject)) {
        const header = headers.get(REQUEST_ID_HEADER);
        must(header === json["request_id"], `${kind} has ${seen(header)}`);
      }
    },
  },
  {
    id: "answer.request_id_unique",
    says: "No two answers have the same request id.",
    async check(subject) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => subject.do("usage")));
      const ids = new Set(answers.map(({ json }) => json["request_id"]));
      must(ids.size === answers.length, `${answers.length} answers have ${ids.size} ids`);
    },
  },
  {
    id: "failure.denies",
    says: "Every failure says allowed false.",
    async check(subject) {
      const { status, json } = await failure(subject);
      must(status >= 400, `status ${status}`);
      must(json["allowed"] === false, `allowed is ${seen(json["allowed"])}`);
    },
  },
  {
    id: "failure.shape",
    says: "Every failure has status error, and the words error, code and message.",
    async check(subject) {
      const { json } = await failure(subject);
      must(json["status"] === "error", `its status is ${seen(json["status"])}`);
      for (const field of ["error", "code", "message"]) {
        must(typeof json[field] === "string", `${field} is ${seen(json[field])}`);
      }
    },
  },
  {
    id: "failure.tells_nothing",
    says: "A failure shows no stack trace, no SQL and no file path.",
    async check(subject) {
      const { path } = ROUTES.validate;
      for (const raw of ["{", '{"deviceId":{"$ne":null}}', `{"deviceId":"' OR 1=1 --\\u0000"}`]) {
        const { text } = await subject.ask({ method: "POST", path, raw });
        const leak = / {4}at |node_modules|\bSELECT\b|\bSQLITE|\/(?:src|home|usr|var)\//i.exec(
          text,
        );
        must(leak === null, `it shows ${seen(leak?.[0])}`);
      }
    },
  },
];
