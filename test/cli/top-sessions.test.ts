import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { startDoctoredAuthority } from "../support/doctored-authority.ts";
import { runCli, startCli } from "./spawn.ts";

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

const page = (rest: Record<string, unknown>): Answer => ({
  status: 200,
  body: { status: "ok", handler: "sessions", complete: true, request_id: "r", ...rest },
});
const failing = (status: number, code: string): Answer => ({
  status,
  body: { status: "error", error: code.toLowerCase(), code, message: "It is so.", request_id: "r" },
});

describe("the sessions that top shows", () => {
  let authority: TestAuthority;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    authority = await startTestAuthority();
    for (const deviceId of ["a", "b"]) {
      await call(authority, "POST", "/api/v1/devices/register", { deviceId });
    }
  });
  afterEach(async () => {
    await stack.disposeAsync();
    await authority.close();
  });

  /** Runs top where sessions are answered so, one answer after the other, the last one again and again. */
  async function answering(...answers: readonly (Answer | (() => Promise<Answer>))[]) {
    let asked = 0;
    const doctored = await startDoctoredAuthority(authority.url, async (request) => {
      const { path } = request;
      if (path.startsWith("/api/v1/events")) return failing(404, "ROUTE_NOT_FOUND");
      if (!path.startsWith("/api/v1/sessions")) return request.send();
      asked += 1;
      const next = answers[asked - 1] ?? answers.at(-1) ?? (() => request.send());
      return typeof next === "function" ? next() : next;
    });
    stack.use(doctored);
    const env = { MACHINEID_BASE_URL: doctored.url, MACHINEID_ORG_KEY: authority.ownerKey };
    return { env, asked: () => asked };
  }
  const once = async (env: Record<string, string>) => {
    const { code, stdout } = await runCli(["top", "--once", "--json"], { env });
    expect(code).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  test("are those of all pages, and a cursor that leads nowhere ends them", async () => {
    const first = { sessions: 3, devices: [{ deviceId: "a", sessions: 2, lost: 1 }], cursor: "a" };
    const second = { sessions: 3, devices: [{ deviceId: "b", sessions: 1, lost: 0 }], cursor: "a" };
    const { env, asked } = await answering(page(first), page(second));
    expect(await once(env)).toMatchObject({
      sessions: 3,
      devices: expect.arrayContaining([
        expect.objectContaining({ deviceId: "a", sessions: 2, lostSessions: 1 }),
        expect.objectContaining({ deviceId: "b", sessions: 1, lostSessions: 0 }),
      ]),
    });
    expect(asked()).toBe(2);
  });

  test("are not known where the authority has nothing at their path", async () => {
    const { env } = await answering(failing(404, "ROUTE_NOT_FOUND"));
    const shown = await once(env);
    expect(shown).toMatchObject({ sessions: null, devices: [{ sessions: null }, {}] });
    expect(shown["problem"]).not.toContain("sessions");
  });

  test("are said to be missing, in whole or in part", async () => {
    const gone = await answering(failing(503, "STORE_UNAVAILABLE"));
    expect(await once(gone.env)).toMatchObject({
      sessions: null,
      problem: expect.stringContaining("sessions not up to date"),
    });
    const part = await answering(page({ sessions: 0, devices: [], cursor: null, complete: false }));
    expect(await once(part.env)).toMatchObject({
      sessions: 0,
      problem: expect.stringContaining("sessions of a process of the authority are missing"),
    });
  });

  test("hold neither what is shown up nor the end, once they were read", async () => {
    const none = page({ sessions: 0, devices: [], cursor: null });
    const { env } = await answering(none, () => new Promise(() => undefined));
    // They may take longer than any test.
    const patient = ["--interval-ms", "100", "--timeout-ms", "600000"];
    const running = startCli(["top", "--json", ...patient], { env });
    await running.until(/"devices":\[\{"deviceId":"a"[^\n]*\n[^\n]*\n[^\n]*\n/);
    running.process.kill("SIGINT");
    expect(await running.finished).toMatchObject({ code: 0 });
  });

  test("hold up no end when they never come", async () => {
    const asked = Promise.withResolvers<void>();
    const { env } = await answering(() => {
      asked.resolve();
      return new Promise(() => undefined);
    });
    const running = startCli(["top", "--json", "--timeout-ms", "600000"], { env });
    await asked.promise;
    running.process.kill("SIGINT");
    expect(await running.finished).toMatchObject({ code: 0 });
  });
});
