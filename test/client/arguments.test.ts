import { describe, expect, test } from "vitest";
import { InvalidArgumentError, MachineID } from "../../src/index.ts";

const KEY = "org_0123456789abcdef";

describe("arguments that cannot work are refused before any request", () => {
  const code = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (InvalidArgumentError.isInstance(error)) return error.code;
      throw error;
    }
    return "accepted";
  };

  test.each([
    ["", "ORG_KEY_MISSING"],
    ["  \n", "ORG_KEY_MISSING"],
    ["org_a b", "ORG_KEY_INVALID"],
    ["org_ä", "ORG_KEY_INVALID"],
    ["org_a\r\nx: y", "ORG_KEY_INVALID"],
    ["  org_a\n", "accepted"],
  ])("key %j: %s", (orgKey, expected) => {
    expect(code(() => new MachineID({ orgKey }))).toBe(expected);
  });

  test.each([
    ["machineid.io", "BASE_URL_INVALID"],
    ["ftp://machineid.io", "BASE_URL_INVALID"],
    ["https://user:pass@machineid.io", "BASE_URL_INVALID"],
    ["https://machineid.io/?a=1", "BASE_URL_INVALID"],
    ["http://machineid.io", "BASE_URL_INSECURE"],
    ["http://127.0.0.1.example.com", "BASE_URL_INSECURE"],
    ["http://localhost.example.com", "BASE_URL_INSECURE"],
    ["http://127.0.0.1:80", "accepted"],
    ["http://[::1]:80", "accepted"],
    ["http://localhost", "accepted"],
    ["https://machineid.io/", "accepted"],
  ])("base URL %s: %s", (baseUrl, expected) => {
    expect(code(() => new MachineID({ orgKey: KEY, baseUrl }))).toBe(expected);
  });

  test("plain http to another host needs to be asked for", () => {
    const baseUrl = "http://authority.internal";
    const client = new MachineID({ orgKey: KEY, baseUrl, allowInsecureHttp: true });
    expect(client.baseUrl).toBe(baseUrl);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("timeout %d", (timeoutMs) => {
    expect(code(() => new MachineID({ orgKey: KEY, timeoutMs }))).toBe("TIMEOUT_INVALID");
  });

  test.each([
    ["empty", " "],
    ["of 257 characters", "x".repeat(257)],
    ["with a control character", "a\u0007b"],
    ["with a lone surrogate", "a\ud800"],
    ["that is no string", 7],
  ])("a device id %s", async (_name, deviceId) => {
    let requests = 0;
    const client = new MachineID({
      orgKey: KEY,
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error("sent"));
      },
    });
    const error = await client.validate(deviceId as string).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "InvalidArgumentError", code: "DEVICE_ID_INVALID" });
    await expect(client.revokeBatch(["a", deviceId as string])).rejects.toBeInstanceOf(
      InvalidArgumentError,
    );
    expect(requests).toBe(0);
  });
});

test("fromEnv reads the key and the address, and says what is missing", () => {
  const before = { ...process.env };
  try {
    process.env["MACHINEID_ORG_KEY"] = ` ${KEY} `;
    delete process.env["MACHINEID_BASE_URL"];
    expect(MachineID.fromEnv().baseUrl).toBe("https://machineid.io");
    process.env["MACHINEID_BASE_URL"] = "http://127.0.0.1:9/";
    expect(MachineID.fromEnv().baseUrl).toBe("http://127.0.0.1:9");
    delete process.env["MACHINEID_ORG_KEY"];
    expect(() => MachineID.fromEnv()).toThrow(/MACHINEID_ORG_KEY/);
  } finally {
    process.env = before;
  }
});
