import type { Ask, Fault, Passing, Returning } from "../faulty-authority.ts";

/** What faults are made of. */

export const at = ({ path }: Passing, name: string): boolean =>
  path.split("?", 1)[0]?.endsWith(name) === true;

/** Spoils the answers of one operation. */
export const spoil = (
  name: string,
  change: (answer: Returning, passing: Passing) => void,
): Fault => ({
  answered(returning, passing) {
    if (at(passing, name)) change(returning, passing);
  },
});

/** A decision that was signed. Spoiling it breaks the rule of receipts, too. */
export const isSigned = ({ receipt }: Record<string, unknown>): boolean => receipt !== undefined;

/** Spoils decisions of which something is true. */
export const decision = (
  isMeant: (json: Record<string, unknown>) => boolean,
  change: (answer: Returning) => void,
): Fault =>
  spoil("/validate", (answer) => {
    const { status, json } = answer;
    if (status === 200 && isMeant(json) && !isSigned(json)) change(answer);
  });

export const isAllowed = ({ allowed }: Record<string, unknown>): boolean => allowed === true;
export const isCode =
  (code: string) =>
  (json: Record<string, unknown>): boolean =>
    json["code"] === code;

/** Puts fields into an answer. */
export const put =
  (fields: Readonly<Record<string, unknown>>) =>
  ({ json }: Returning): void => {
    Object.assign(json, fields);
  };

export const lose =
  (...names: readonly string[]) =>
  ({ json }: Returning): void => {
    for (const name of names) delete json[name];
  };

export const ok = (json: Record<string, unknown>, status = 200): Returning => ({
  status,
  headers: { "content-type": "application/json", "x-request-id": ID },
  json: { ...json, request_id: ID },
});
export const ID = "00000000-0000-4000-8000-000000000000";

/** Takes for good what the authority refuses. */
export const tolerate = (name: string, isMeant: (passing: Passing) => boolean): Fault => ({
  asked: (passing) =>
    at(passing, name) && isMeant(passing)
      ? ok({ allowed: false, code: "DEVICE_NOT_REGISTERED" })
      : undefined,
});

export const deviceIdOf = ({ body }: Passing): string =>
  typeof body["deviceId"] === "string" ? body["deviceId"] : "";

/** Asks the same with another body. */
export const resend = (
  real: Ask,
  passing: Passing,
  path: string,
  body: object,
): Promise<Returning> => real({ ...passing, method: "POST", path, text: JSON.stringify(body) });

export const DEVICES = "/api/v1/devices";

export const isOddId = (deviceId: string): boolean => deviceId.includes("日本語");
