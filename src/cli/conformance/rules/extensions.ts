import { LAST_EVENT_ID_HEADER, ROUTES } from "../../../wire/index.ts";
import type { Heard } from "../exchange.ts";
import { NotOffered, must, seen } from "../rule.ts";
import type { Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";
import { readStream } from "../event-reader.ts";

/** @throws NotOffered when there is nothing at the path */
async function offered(subject: Subject, path: string): Promise<Heard> {
  const heard = await subject.ask({ method: "GET", path, key: null });
  if (heard.status === 404) throw new NotOffered(`there is nothing at ${path}`);
  return heard;
}

/** Rules of what an authority may have beyond the API. */
export const extensionRules: readonly Rule[] = [
  {
    id: "meta.answer",
    says: "Meta answers name, version and features, without a key.",
    async check(subject) {
      const { status, json } = await offered(subject, ROUTES.meta.path);
      must(status === 200, `status ${status}`);
      const { name, version, features } = json;
      must(typeof name === "string" && typeof version === "string", seen({ name, version }));
      must(Array.isArray(features), `features is ${seen(features)}`);
    },
  },
  {
    id: "version.grows",
    says: "The version of decisions grows with each change.",
    async check(subject) {
      const deviceId = await subject.registered();
      const version = async (): Promise<number> => {
        const { json } = await subject.do("validate", { deviceId });
        const found = json["version"];
        if (found === undefined) throw new NotOffered("decisions have no version");
        must(Number.isSafeInteger(found), `it is ${seen(found)}`);
        return Number(found);
      };
      const before = await version();
      await subject.change("revoke", deviceId);
      const after = await version();
      must(after > before, `it was ${before} before a revoke and is ${after} after it`);
    },
  },
  {
    id: "valid_ms.term",
    says: "An allow says for how many milliseconds it may be used.",
    async check(subject) {
      const { json } = await subject.do("validate", { deviceId: await subject.registered() });
      const term = json["valid_ms"];
      if (term === undefined) throw new NotOffered("decisions have no valid_ms");
      must(typeof term === "number" && term > 0, `it is ${seen(term)}`);
    },
  },
  ...["/healthz", "/readyz"].map((path): Rule => ({
    id: `health${path.replace("/", ".")}`,
    says: `${path} answers 200 without a key.`,
    async check(subject) {
      const { status } = await offered(subject, path);
      must(status === 200, `status ${status}`);
    },
  })),
  {
    id: "openapi.document",
    says: "The OpenAPI document names every operation of the API.",
    async check(subject) {
      const { json } = await offered(subject, "/openapi.json");
      must(/^3\.\d/.test(String(json["openapi"])), `openapi is ${seen(json["openapi"])}`);
      const paths: Readonly<Record<string, object>> = Object(json["paths"]);
      for (const operation of ["register", "validate", "listDevices", "revoke", "usage"] as const) {
        const { path, method } = ROUTES[operation];
        const known = Object.hasOwn(Object(paths[path]), method.toLowerCase());
        must(known, `it does not name ${method} ${path}`);
      }
    },
  },
  {
    id: "metrics.needs_admin",
    says: "Metrics, which tell of all orgs, are not shown to an org's key.",
    async check(subject) {
      await offered(subject, "/metrics");
      const { status } = await subject.ask({ method: "GET", path: "/metrics" });
      must(status === 401 || status === 403, `status ${status}`);
    },
  },
  {
    id: "events.tell",
    says: "The event stream tells of a change after it was answered.",
    feature: "events",
    async check(subject) {
      await using stream = await readStream(subject, {});
      const deviceId = await subject.registered();
      const event = await stream.until(({ data }) => data["deviceId"] === deviceId);
      must(event.data["type"] === "change", `its type is ${seen(event.data["type"])}`);
    },
  },
  {
    id: "events.resume",
    says: "With Last-Event-ID the stream goes on where it ended.",
    feature: "events",
    async check(subject) {
      const deviceId = subject.newDevice();
      let id: string;
      {
        await using stream = await readStream(subject, {});
        await subject.register(deviceId);
        ({ id } = await stream.until(({ data }) => data["deviceId"] === deviceId));
      }
      await subject.change("revoke", deviceId);
      await using stream = await readStream(subject, { [LAST_EVENT_ID_HEADER]: id });
      const next = await stream.until(({ data }) => data["deviceId"] === deviceId);
      must(next.data["operation"] === "revoke", `it tells ${seen(next.data["operation"])} next`);
    },
  },
];
