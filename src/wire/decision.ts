import type { GuardCode } from "./codes.ts";

/** The code of a denial whose answer named none that is fit to repeat. */
export const UNNAMED_DENIAL = "DENIED";

/** What an answer means. Anything that is not clearly a decision is `unavailable`. */
export type Verdict =
  | {
      readonly outcome: "allowed";
      readonly code: string;
      readonly requestId: string | undefined;
      readonly version: number | undefined;
      /** Milliseconds from the sending of the request for which the allow may be used. */
      readonly validMs: number | undefined;
    }
  | {
      readonly outcome: "denied";
      readonly code: string;
      readonly requestId: string | undefined;
    }
  | {
      readonly outcome: "unavailable";
      readonly code: GuardCode;
      /** The code the server gave, when it gave one. */
      readonly serverCode: string | undefined;
      readonly requestId: string | undefined;
    };

/** {@link readDecision}, for what is loaded later and given it. */
export type ReadDecision = typeof readDecision;

export type Unavailable = Extract<Verdict, { outcome: "unavailable" }>;

/** Codes and request ids reach logs, errors and models: only plain tokens pass, and no key. */
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
const REQUEST_ID = /^(?!(?:org|adm|opr|agt|viw)_)[\w-]{1,64}$/;

const token = (value: unknown, pattern: RegExp): string | undefined =>
  typeof value === "string" && pattern.test(value) ? value : undefined;

type Field =
  | "allowed"
  | "code"
  | "deviceId"
  | "error"
  | "request_id"
  | "status"
  | "valid_ms"
  | "version";
type Fields = Readonly<Record<Field, unknown>>;

/** Own properties alone: nothing that was put on a prototype is part of an answer. */
const own = (body: object, field: Field): unknown =>
  Object.hasOwn(body, field) ? Reflect.get(body, field) : undefined;

const NOTHING = Object.freeze({});

/** What a decision is read from. A fixed shape: this runs at every check. */
function fields(answer: unknown): Fields {
  const body = typeof answer === "object" && answer !== null ? answer : NOTHING;
  return {
    allowed: own(body, "allowed"),
    code: own(body, "code"),
    deviceId: own(body, "deviceId"),
    error: own(body, "error"),
    request_id: own(body, "request_id"),
    status: own(body, "status"),
    valid_ms: own(body, "valid_ms"),
    version: own(body, "version"),
  };
}

function codeOf({ code, error }: Fields): string | undefined {
  return (
    token(code, CODE) ?? (typeof error === "string" ? token(error.toUpperCase(), CODE) : undefined)
  );
}

/** The `request_id` of an answer, if it has one that is fit to repeat. */
export function requestIdOf(body: unknown): string | undefined {
  const requestId = typeof body === "object" && body !== null ? own(body, "request_id") : undefined;
  return token(requestId, REQUEST_ID);
}

const isSuccess = (httpStatus: number): boolean => httpStatus >= 200 && httpStatus < 300;

const isTerm = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === "number" && value >= 0);

const isVersion = (value: unknown): value is number | undefined =>
  value === undefined || Number.isSafeInteger(value);

function unavailable(httpStatus: number, answer: Fields): Unavailable {
  return {
    outcome: "unavailable",
    code: outageCode(httpStatus),
    serverCode: codeOf(answer),
    requestId: requestIdOf(answer),
  };
}

function outageCode(httpStatus: number): GuardCode {
  if (httpStatus === 401 || httpStatus === 403) return "ORG_KEY_REJECTED";
  if (httpStatus === 429) return "RATE_LIMITED";
  if (httpStatus >= 500) return "AUTHORITY_ERROR";
  return "AUTHORITY_MALFORMED";
}

const isDenial = ({ status, allowed }: Fields): boolean =>
  status !== "error" && (allowed === false || status === "blocked");

/**
 * Reads the answer to `validate`. It is an allow only when it is a 2xx JSON
 * answer whose `allowed` is the boolean `true`; it is a denial when it says so
 * outside the failure shape; everything else is an outage, an allow that names
 * another device included.
 */
export function readDecision(httpStatus: number, body: unknown, askedFor: string): Verdict {
  const answer = fields(body);
  const requestId = requestIdOf(answer);
  if (isDenial(answer)) {
    return { outcome: "denied", code: codeOf(answer) ?? UNNAMED_DENIAL, requestId };
  }
  const { allowed, status, version, valid_ms: validMs, deviceId = askedFor } = answer;
  const isMine = deviceId === askedFor;
  const isAllow = isSuccess(httpStatus) && allowed === true && status !== "error" && isMine;
  // A term that cannot be read cannot be kept to.
  if (!isAllow || !isTerm(validMs) || !isVersion(version)) return unavailable(httpStatus, answer);
  return { outcome: "allowed", code: codeOf(answer) ?? "ALLOW", requestId, version, validMs };
}

/**
 * Reads the answer to `register`. The device is registered only under `ok` and
 * `exists`; older servers say `limit_reached` with status 200.
 */
export function readRegistration(httpStatus: number, body: unknown): Verdict {
  const answer = fields(body);
  const { status } = answer;
  const requestId = requestIdOf(answer);
  if (status === "limit_reached") {
    return { outcome: "denied", code: "DEVICE_LIMIT_REACHED", requestId };
  }
  if (isDenial(answer)) {
    return { outcome: "denied", code: codeOf(answer) ?? UNNAMED_DENIAL, requestId };
  }
  if (!isSuccess(httpStatus)) return unavailable(httpStatus, answer);
  if (status !== "ok" && status !== "exists") {
    return { ...unavailable(httpStatus, answer), code: "NOT_REGISTERED" };
  }
  return { outcome: "allowed", code: "ALLOW", requestId, version: undefined, validMs: undefined };
}
