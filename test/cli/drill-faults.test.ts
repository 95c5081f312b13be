import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority, TestAuthorityOptions } from "../support/authority.ts";
import { startDoctoredAuthority } from "../support/doctored-authority.ts";
import type { Doctor } from "../support/doctored-authority.ts";
import { CLI, startProgram, temporaryDirectory } from "./spawn.ts";
import type { Finished } from "./spawn.ts";

const CANARY = "canary:test:01";

interface Fault {
  readonly authority?: TestAuthorityOptions;
  /** Stands between the drill and the authority. */
  readonly doctor?: Doctor;
  /** JavaScript that the canary's process runs before it begins; it may be anything but a canary. */
  readonly canary?: string;
  /** @default 2 */
  readonly count?: number;
  /** @default true */
  readonly json?: boolean;
}

interface Drilled extends Finished {
  readonly answer: Record<string, unknown>;
  readonly after: Record<string, unknown>;
}

/** Drills with a fault that somebody has planted. */
async function drillWith(fault: Fault): Promise<Drilled> {
  await using authority = await startTestAuthority(fault.authority);
  const client = clientOf(authority);
  await client.register(CANARY);
  await using between = await startDoctoredAuthority(
    authority.url,
    fault.doctor ?? ((request) => request.send()),
  );
  using directory = temporaryDirectory();
  const entry = directory.file("entry.mjs");
  writeFileSync(
    entry,
    `if (process.argv[2] === "canary") { ${fault.canary ?? ""} }
     await import(${JSON.stringify(CLI)});`,
  );
  const { count = 2, json = true } = fault;
  const args = ["drill", "--device", CANARY, "--count", String(count), ...(json ? ["--json"] : [])];
  const { finished: finishing } = startProgram(process.execPath, [entry, ...args], {
    env: { MACHINEID_BASE_URL: between.url, MACHINEID_ORG_KEY: authority.ownerKey },
  });
  const finished = await finishing;
  const after = (await client.validate(CANARY)) as unknown as Record<string, unknown>;
  const answer = finished.stdout.startsWith("{") ? finished.stdout : "{}";
  return { ...finished, after, answer: JSON.parse(answer) as Drilled["answer"] };
}

const clientOf = ({ url, ownerKey }: TestAuthority): MachineID =>
  new MachineID({ orgKey: ownerKey, baseUrl: url });

/** Leaves side effects behind no gate, once there is one that stood behind it. */
const ROGUE = `
  const { appendFileSync, existsSync } = await import("node:fs");
  const file = process.argv.at(-1);
  setInterval(() => {
    const now = process.hrtime.bigint();
    if (existsSync(file)) appendFileSync(file, now + " " + now + "\\n");
  }, 1).unref();`;

test("a drill without a fault is kept", async () => {
  const { code, answer, after } = await drillWith({});
  expect(answer).toMatchObject({ enforcement: "lease", broken: [], restored: true });
  expect(code).toBe(0);
  expect(after).toMatchObject({ allowed: true });
});

test("a canary that goes on after its stop was fenced is found", async () => {
  const { code, answer, after } = await drillWith({ canary: ROGUE });
  expect(answer["broken"]).toEqual([
    expect.stringMatching(/^stop \d+: \d+ side effects began after it was answered fenced$/),
    expect.stringMatching(/^stop \d+: \d+ side effects began after it was answered fenced$/),
  ]);
  expect(code).toBe(1);
  expect(after).toMatchObject({ allowed: true });
});

test("what a canary does after it has said that it had stopped is found", async () => {
  const canary = `
    const { appendFileSync } = await import("node:fs");
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text, ...more) => {
      if (String(text).includes('"stopped"')) setInterval(() => {
        const now = process.hrtime.bigint();
        appendFileSync(process.argv.at(-1), now + " " + now + "\\n");
      }, 1).unref();
      return write(text, ...more);
    };`;
  const { code, answer } = await drillWith({ canary, count: 1 });
  expect(answer["broken"]).toEqual([
    expect.stringMatching(/: \d+ side effects? began after it was answered fenced$/),
  ]);
  expect(code).toBe(1);
});

test("a stop that is answered fenced too early is found", async () => {
  let early = Promise.withResolvers<void>();
  const doctor: Doctor = async (request) => {
    const { wait } = request.body;
    if (!request.path.endsWith("/revoke")) return request.send();
    // What is answered first is revoked only later.
    if (wait === "fenced") {
      const stop = { version: 1, state: "fenced", holders: 0, fenced: 0, drained: 0, deadline: "" };
      setTimeout(() => early.resolve(), 100);
      return { status: 200, body: { status: "ok", stop } };
    }
    await early.promise;
    early = Promise.withResolvers<void>();
    return request.send();
  };
  const { code, answer } = await drillWith({ doctor });
  expect(answer["broken"]).toHaveLength(2);
  expect(answer["broken"]).toEqual(
    Array(2).fill(expect.stringMatching(/side effects? began after it was answered fenced/)),
  );
  expect(code).toBe(1);
});

test("a stop that is answered fenced too late is found", async () => {
  const doctor: Doctor = async (request) => {
    const answer = await request.send();
    // With the shortest lease the bound is 3,040 ms.
    if (request.body["wait"] === "fenced") await delay(3100);
    return answer;
  };
  const fault = { doctor, authority: { leaseTtlMs: 1000 }, count: 1 };
  const { code, answer } = await drillWith(fault);
  expect(answer["boundMs"]).toBe(3040);
  expect(answer["broken"]).toEqual([
    expect.stringMatching(/^stop \d+: not fenced within 3040 ms$/),
  ]);
  expect(code).toBe(1);
});

test("a stop that does not come to be fenced or drained is found, and told to people", async () => {
  const doctor: Doctor = async (request) => {
    const answer = await request.send();
    if (request.body["wait"] === undefined) return answer;
    const stop = { ...(answer.body["stop"] as object), state: "pending" };
    return { ...answer, body: { ...answer.body, stop } };
  };
  const { code, stdout, stderr } = await drillWith({ doctor, count: 1, json: false });
  expect(code).toBe(1);
  expect(stdout).toContain("the promise was broken");
  expect(stderr).toMatch(/not fenced within/);
  expect(stderr).toMatch(/not drained within/);
});

test("a canary that is killed ends the drill, and the device is restored", async () => {
  const canary = `
    process.stdout.write('{"type":"beating"}\\n');
    process.stdin.once("data", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), 50));`;
  const { code, stderr, after } = await drillWith({ canary });
  expect(stderr).toMatch(/The canary failed: it has ended/);
  expect(code).toBe(1);
  expect(after).toMatchObject({ allowed: true });
});

test("a device whose restore fails is said to be revoked still", async () => {
  let restores = 0;
  const doctor: Doctor = async (request) => {
    // The first one asks whether it may.
    if (!request.path.endsWith("/unrevoke") || (restores += 1) === 1) return request.send();
    return { status: 503, body: { status: "error", code: "STORE_UNAVAILABLE", allowed: false } };
  };
  const { code, stderr, after } = await drillWith({ doctor });
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/is still revoked\. machineid unrevoke restores it/);
  expect(after).toMatchObject({ allowed: false });
});

/** What a service that gives no leases answers. */
const hosted: Doctor = async (request) => {
  if (/\/(?:meta|org|stops\/.*|leases)$/.test(request.path)) {
    return { status: 404, body: { status: "error", error: "not_found", code: "NOT_FOUND" } };
  }
  const answer = await request.send();
  const { valid_ms: _validMs, version: _version, stop: _stop, ...body } = answer.body;
  return { ...answer, body };
};

test("without leases it is measured how fast an answered revoke works, and said that nothing is fenced", async () => {
  const { code, answer, after } = await drillWith({ doctor: hosted });
  expect(answer).toMatchObject({
    enforcement: "strict",
    boundMs: null,
    broken: [],
    rounds: Array(2).fill(expect.objectContaining({ fencedMs: null, drainedMs: null })),
  });
  expect(answer["answeredMs"]).toMatchObject({ max: expect.any(Number) });
  expect(answer).not.toHaveProperty("fencedMs");
  expect(code).toBe(0);
  expect(after).toMatchObject({ allowed: true });
  const people = await drillWith({ doctor: hosted, count: 1, json: false });
  expect(people.stdout).toContain("This authority gives no leases");
  expect(people.stdout).not.toMatch(/^(?:fenced|drained)/m);
});

test("without leases an allow that was asked for after the answer is found", async () => {
  let answered = 0;
  const doctor: Doctor = async (request) => {
    // A cache that goes on allowing for a while.
    if (request.path.endsWith("/validate") && answered > 0 && (answered -= 1) > 0) {
      return { status: 200, body: { allowed: true, code: "ALLOW", request_id: "cached" } };
    }
    const answer = await hosted(request);
    if (request.path.endsWith("/revoke")) answered = 3;
    return answer;
  };
  const { code, answer } = await drillWith({ doctor, count: 1 });
  expect(answer["broken"]).toEqual([
    expect.stringMatching(/^round 1: \d side effects? asked after the revoke was answered/),
  ]);
  expect(code).toBe(1);
});
