import { createFetchTransport, exchange, RequestError } from "../../client/index.ts";
import type { Answer, Transport, TransportAnswer } from "../../client/index.ts";
import {
  metaAnswerSchema,
  readDecision,
  ROUTES,
  ORG_KEY_HEADER,
  usageAnswerSchema,
} from "../../wire/index.ts";
import { printable } from "../output.ts";
import { describePlan } from "../plan.ts";
import { roleOf } from "./environment.ts";
import { ok, outage, problem, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** What can be said by asking the authority. */

export interface Asking {
  readonly origin: string;
  readonly prefix: string;
  readonly timeoutMs: number;
}

type AskedOperation = "meta" | "usage" | "validate" | "jwks";

interface Asked {
  readonly answer: Answer;
  readonly ms: number;
  /** The answer's `Date`, and the middle of the exchange by this machine's clock. */
  readonly dateMs: number | undefined;
  readonly middleMs: number;
}

/** Clocks further apart than this make logs hard to compare, in milliseconds. */
const MAX_SKEW_MS = 5_000;

/** Asks for one thing, and notes how long it took. */
export async function ask(
  { origin, prefix, timeoutMs }: Asking,
  operation: AskedOperation,
  key: string | undefined,
  body?: Readonly<Record<string, unknown>>,
): Promise<Asked> {
  let seen: TransportAnswer | undefined;
  const inner = createFetchTransport((url, init) => fetch(url, init));
  const transport: Transport = { send: async (request) => (seen = await inner.send(request)) };
  const startedMs = performance.now();
  const { method, path } = ROUTES[operation];
  const answer = await exchange(transport, {
    method,
    origin,
    path: prefix + path,
    secret: key ?? "org_",
    headers: key === undefined ? {} : { [ORG_KEY_HEADER]: key },
    body,
    signal: undefined,
    timeoutMs,
  });
  const ms = performance.now() - startedMs;
  const dateMs = Date.parse(seen?.header("date") ?? "");
  return {
    answer,
    ms,
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
    middleMs: Date.now() - ms / 2,
  };
}

/** Whether anything answers, how fast, by which clock, and what it can do. */
export async function examineReachability(asking: Asking): Promise<readonly Finding[]> {
  let asked: Asked;
  try {
    await ask(asking, "meta", undefined);
    // The first exchange opens the connection; the second shows what a check costs.
    asked = await ask(asking, "meta", undefined);
  } catch (error) {
    if (!RequestError.isInstance(error)) throw error;
    if (error.status === 404) {
      return [ok("reachable", "something answers, and does not say what it is")];
    }
    return [outage("reachable", error.message, mendOf(error))];
  }
  const { answer, ms } = asked;
  const meta = metaAnswerSchema.safeParse(answer.body);
  const time = `${Math.round(ms)} ms`;
  if (!meta.success || answer.status !== 200) {
    const isServerError = answer.status >= 500;
    return [
      isServerError
        ? outage("reachable", `it answers with status ${answer.status}`, "Look at its log")
        : ok("reachable", `it answers in ${time}, and names no features`),
      examineClock(asked),
    ];
  }
  const { name, version, features } = meta.data;
  return [
    ok("reachable", `${printable(name)} ${printable(version)} answers in ${time}`),
    examineClock(asked),
    ok("features", features.length === 0 ? "the v1 API" : features.map(printable).join(", ")),
  ];
}

function examineClock({ dateMs, middleMs }: Asked): Finding {
  if (dateMs === undefined) return ok("clock", "the authority does not tell its time");
  // The header names whole seconds.
  const apartMs = Math.max(0, Math.abs(dateMs + 500 - middleMs) - 500);
  if (apartMs <= MAX_SKEW_MS) return ok("clock", "agrees with the authority's");
  return warning(
    "clock",
    `${Math.round(apartMs / 1000)} s apart from the authority's`,
    "Set the clock, for example with NTP. Decisions do not depend on it; logs and plan ends do",
  );
}

function mendOf({ code, message }: RequestError): string {
  if (/certificate|self.signed|CERT_|TLS|SSL/i.test(message)) {
    return "If the authority has a certificate of your own, set NODE_EXTRA_CA_CERTS to its root";
  }
  if (code === "AUTHORITY_MALFORMED") return "Check that MACHINEID_BASE_URL names an authority";
  if (/ENOTFOUND|EAI_AGAIN/.test(message))
    return "Check the host name in MACHINEID_BASE_URL, and DNS";
  if (/ECONNREFUSED/.test(message)) {
    return "Check MACHINEID_BASE_URL, or start an authority with machineid serve";
  }
  return "Check the network between here and there: firewall, VPN, proxy (Node uses HTTPS_PROXY only with NODE_USE_ENV_PROXY=1)";
}

/** Whether the authority accepts the key, and what it stands for. */
export async function examineAcceptance(asking: Asking, key: string): Promise<Finding> {
  try {
    const { answer } = await ask(asking, "usage", key);
    const role = roleOf(key) ?? "unknown";
    const usage = usageAnswerSchema.safeParse(answer.body);
    if (answer.status === 200 && usage.success) {
      const plan = describePlan(usage.data);
      const isActive = usage.data.planState === "active";
      return isActive
        ? ok("accepted", `role ${role}; plan ${plan}`)
        : problem(
            "accepted",
            `role ${role}; plan ${plan}`,
            "Nothing may work until the plan is active",
          );
    }
    if (answer.status === 200) return ok("accepted", `role ${role}`);
    if (answer.status === 401) {
      return problem(
        "accepted",
        `the authority does not know the key (${requestOf(answer)})`,
        "Check that the key belongs to this authority; keys of another one do not work here",
      );
    }
    if (answer.status === 403) return ok("accepted", `role ${role}, which may not read the usage`);
    return answer.status >= 500 || answer.status === 429
      ? outage("accepted", `status ${answer.status} (${requestOf(answer)})`, "Try again later")
      : problem(
          "accepted",
          `status ${answer.status}`,
          "Check that MACHINEID_BASE_URL names an authority",
        );
  } catch (error) {
    if (!RequestError.isInstance(error)) throw error;
    return outage("accepted", error.message, mendOf(error));
  }
}

const requestOf = ({ requestId }: Answer): string => `request ${requestId ?? "without id"}`;

const DEVICE_MENDS: Readonly<Partial<Record<string, (deviceId: string) => string>>> = {
  DEVICE_NOT_REGISTERED: (deviceId) => `machineid register ${deviceId}`,
  DEVICE_REVOKED: (deviceId) => `If it may work again: machineid unrevoke ${deviceId}`,
  PLAN_FROZEN: () => "The plan is frozen; the authority's operator changes it",
  PLAN_NOT_ACTIVE: () => "The plan is not active; the authority's operator changes it",
};

/** Whether a device may work. */
export async function examineDevice(
  asking: Asking,
  key: string,
  deviceId: string,
): Promise<Finding> {
  const shown = printable(deviceId);
  try {
    const { answer } = await ask(asking, "validate", key, { deviceId });
    const verdict = readDecision(answer.status, answer.body, deviceId);
    const { outcome, code } = verdict;
    if (outcome === "allowed") return ok("device", `${shown} may work`);
    const message = `${shown}: ${code} (${requestOf(answer)})`;
    return outcome === "denied"
      ? problem("device", `${message}, so it may not work`, DEVICE_MENDS[code]?.(shown))
      : outage("device", `${message}, so there is no decision`);
  } catch (error) {
    if (!RequestError.isInstance(error)) throw error;
    return outage("device", error.message, mendOf(error));
  }
}
