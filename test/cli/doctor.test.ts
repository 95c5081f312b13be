import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { examineNode } from "../../src/cli/doctor/environment.ts";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served } from "./spawn.ts";

let served: Served;

beforeAll(async () => {
  served = await startServe(":memory:");
});

afterAll(() => served[Symbol.asyncDispose]());

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { name: string; status: string; message: string; mend?: string }[];
}

async function examine(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ code: number | null; ok: boolean; of: (name: string) => Report["findings"][number] }> {
  const { code, stdout, stderr } = await runCli(["doctor", "--json", ...args], { env });
  expect(stderr).toBe("");
  expect(stdout + stderr).not.toContain(env["MACHINEID_ORG_KEY"] || "\n\n");
  const { ok, findings } = JSON.parse(stdout) as Report;
  return {
    code,
    ok,
    of: (name) =>
      findings.find((finding) => finding.name === name) ?? { name, status: "absent", message: "" },
  };
}

async function withServer(
  answer: RequestListener,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("the key for receipts is compared with those that the authority publishes", async () => {
  const keysOf = async (url: string): Promise<string> =>
    (await fetch(`${url}/.well-known/jwks.json`)).text();
  const own = await examine({ ...served.env, MACHINEID_AUTHORITY_KEY: await keysOf(served.url) });
  expect(own.code).toBe(0);
  expect(own.of("receipts")).toMatchObject({ status: "ok" });
  await using other = await startServe(":memory:");
  for (const key of [await keysOf(other.url), "no key"]) {
    const wrong = await examine({ ...served.env, MACHINEID_AUTHORITY_KEY: key });
    expect(wrong.code).toBe(1);
    expect(wrong.of("receipts")).toMatchObject({ status: "problem", mend: expect.any(String) });
  }
});

test("all is well: 0, and every finding says what was found", async () => {
  const { code, ok, of } = await examine(served.env);
  expect({ code, ok }).toEqual({ code: 0, ok: true });
  for (const name of ["node", "key", "address", "reachable", "clock", "features", "accepted"]) {
    expect(of(name)).toMatchObject({ status: "ok" });
  }
  expect(of("accepted").message).toContain("role owner; plan unlimited, active");
});

test("a person reads one line for each, and the mend below it", async () => {
  const result = await runCli(["doctor", "--device", "unknown"], { env: served.env });
  expect(result).toMatchObject({ code: 1, stderr: "" });
  expect(result.stdout).toMatch(/^✓ node +Node \d/m);
  expect(result.stdout).toMatch(/^✗ device +unknown: DEVICE_NOT_REGISTERED/m);
  expect(result.stdout).toMatch(/→ machineid register unknown$/m);
});

describe("a device", () => {
  test("that may work, and one that may not", async () => {
    await runCli(["register", "d-1"], { env: served.env });
    expect((await examine(served.env, "--device", "d-1")).of("device").status).toBe("ok");
    await runCli(["revoke", "d-1"], { env: served.env });
    const revoked = await examine(served.env, "--device", "d-1");
    expect(revoked.code).toBe(1);
    expect(revoked.of("device")).toMatchObject({ status: "problem", mend: expect.any(String) });
  });
});

describe("keys", () => {
  test.each([
    ["", "no org key", "problem"],
    ["org_with space", "characters", "problem"],
    ["adm_0123456789012345678901234567890", "administrator", "problem"],
  ])("%j is a problem of its own, with a mend: 1", async (key, words, status) => {
    const { code, of } = await examine({
      MACHINEID_BASE_URL: served.url,
      MACHINEID_ORG_KEY: key || "",
    });
    expect(code).toBe(1);
    expect(of("key")).toMatchObject({ status, mend: expect.any(String) });
    expect(of("key").message).toContain(words);
    expect(of("accepted").status).toBe("skipped");
  });

  test("a key of another authority is not accepted: 1", async () => {
    const env = { ...served.env, MACHINEID_ORG_KEY: "org_of_some_other_authority" };
    const { code, of } = await examine(env);
    expect(code).toBe(1);
    expect(of("accepted")).toMatchObject({ status: "problem", mend: expect.any(String) });
  });

  test("a plan that is not active: 1", async () => {
    const made = await runCli(["org", "create", "--json"], { env: served.env });
    const { orgId, orgApiKey } = JSON.parse(made.stdout) as { orgId: string; orgApiKey: string };
    await runCli(["org", "plan", orgId, "--state", "frozen"], { env: served.env });
    const { code, of } = await examine({ ...served.env, MACHINEID_ORG_KEY: orgApiKey });
    expect(code).toBe(1);
    expect(of("accepted")).toMatchObject({ status: "problem" });
  });
});

describe("addresses", () => {
  const env = { MACHINEID_ORG_KEY: "org_0123456789abcdef0123" };

  test("nothing listens: 4, with a mend", async () => {
    let url = "";
    await withServer(
      () => undefined,
      async (free) => {
        url = free;
      },
    );
    const { code, of } = await examine({ ...env, MACHINEID_BASE_URL: url });
    expect(code).toBe(4);
    expect(of("reachable")).toMatchObject({ status: "outage", mend: expect.any(String) });
  });

  test("something hangs: 4", async () => {
    await withServer(
      () => undefined,
      async (url) => {
        const asked = await examine({ ...env, MACHINEID_BASE_URL: url }, "--timeout-ms", "300");
        expect(asked.code).toBe(4);
        expect(asked.of("reachable").message).toContain("300 ms");
      },
    );
  });

  test("plain http to another machine, and what is no URL: 1, and nothing is sent", async () => {
    for (const url of ["http://192.0.2.1", "not a url"]) {
      const { code, of } = await examine({ ...env, MACHINEID_BASE_URL: url });
      expect(code).toBe(1);
      expect(of("address")).toMatchObject({ status: "problem", mend: expect.any(String) });
      expect(of("reachable").status).toBe("absent");
    }
  });

  test("a service that knows no meta is no problem", async () => {
    const answer: RequestListener = (request, response) => {
      const isUsage = request.url === "/api/v1/usage";
      response.writeHead(isUsage ? 200 : 404, { "content-type": "text/html" });
      response.end(isUsage ? '{"status":"ok"}' : "<h1>Not found</h1>");
    };
    await withServer(answer, async (url) => {
      const { code, of } = await examine({ ...env, MACHINEID_BASE_URL: url });
      expect(code).toBe(0);
      expect(of("accepted").status).toBe("ok");
    });
  });

  test("no authority at all: 4", async () => {
    const answer: RequestListener = (_request, response) => response.end("<h1>Welcome</h1>");
    await withServer(answer, async (url) => {
      const { code, of } = await examine({ ...env, MACHINEID_BASE_URL: url });
      expect(code).toBe(4);
      expect(of("reachable")).toMatchObject({ status: "outage", mend: expect.any(String) });
    });
  });

  test("a password in the URL is not repeated", async () => {
    const { code, of } = await examine({
      ...env,
      MACHINEID_BASE_URL: "https://me:secret@a.example",
    });
    expect(code).toBe(1);
    expect(of("address").status).toBe("problem");
    expect(JSON.stringify(of("address"))).not.toContain("secret");
  });

  test("nobody serves the database that was named: 4", async () => {
    using directory = temporaryDirectory();
    const { code, of } = await examine(env, "--db", directory.file("a.db"));
    expect(code).toBe(4);
    expect(of("address").status).toBe("outage");
  });
});

test("a clock that is apart is a warning, not a problem", async () => {
  const answer: RequestListener = (_request, response) => {
    response.setHeader("date", new Date(Date.now() - 3_600_000).toUTCString());
    response.end('{"name":"a","version":"1","features":[],"status":"ok"}');
  };
  await withServer(answer, async (url) => {
    const env = { MACHINEID_BASE_URL: url, MACHINEID_ORG_KEY: "org_0123456789abcdef0123" };
    const { code, of } = await examine(env);
    expect(code).toBe(0);
    expect(of("clock")).toMatchObject({ status: "warning", mend: expect.any(String) });
  });
});

test("an old Node is a problem", () => {
  expect(examineNode("20.18.0").status).toBe("problem");
  expect(examineNode("22.15.1").status).toBe("problem");
  expect(examineNode("22.16.0").status).toBe("ok");
  expect(examineNode("24.0.0").status).toBe("ok");
});
