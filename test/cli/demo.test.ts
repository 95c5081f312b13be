import { readdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { problemsOf } from "../../src/cli/demo/demo.ts";
import { startCli, runCli, temporaryDirectory } from "./spawn.ts";

const DEMO_TIMEOUT_MS = 60_000;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The authority's process and address, as the demo shows them. */
const authorityOf = (stdout: string): { url: string; pid: number } => {
  const [, url, pid] = /Authority +(\S+) +its own process, (\d+)/.exec(stdout) ?? [];
  return { url: String(url), pid: Number(pid) };
};

describe("demo", { timeout: DEMO_TIMEOUT_MS }, () => {
  test("--json prints one object: stopped by the revoke, nothing after it, all else went on", async () => {
    using directory = temporaryDirectory();
    const env = { TMPDIR: directory.path };
    const { code, stdout, stderr } = await runCli(["demo", "--json"], { env });
    expect(stderr).toBe("");
    expect(stdout.match(/\n/g)).toHaveLength(1);
    const result = JSON.parse(stdout) as {
      agents: { framework: string; sideEffects: number }[];
    } & Record<string, unknown>;
    expect(result).toMatchObject({
      stoppedBy: "DEVICE_REVOKED",
      sideEffectsAfterRevoke: 0,
      revokeToStopMs: expect.any(Number),
      checks: expect.any(Number),
      problems: [],
    });
    expect(result.agents.map(({ framework }) => framework)).toEqual([
      "langchain",
      "ai-sdk",
      "none",
    ]);
    for (const { sideEffects } of result.agents) expect(sideEffects).toBeGreaterThan(0);
    expect(code).toBe(0);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("shows the address, every check, the stop with code and request id, and leaves nothing", async () => {
    using directory = temporaryDirectory();
    const { code, stdout } = await runCli(["demo"], { env: { TMPDIR: directory.path } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/✓ send_report/);
    expect(stdout).toMatch(/machineid revoke demo:langchain/);
    expect(stdout).toMatch(/LangChain agent stopped: DEVICE_REVOKED at .*, request [\w-]{36}/);
    expect(stdout).toContain("the stopped run stays stopped");
    expect(stdout).toContain("0 side effects after the revoke");
    expect(isAlive(authorityOf(stdout).pid)).toBe(false);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s leaves no process and no file", async (signal) => {
    using directory = temporaryDirectory();
    const running = startCli(["demo"], { env: { TMPDIR: directory.path } });
    await running.until(/✓ send_report/);
    running.process.kill(signal);
    const { code, stdout, stderr } = await running.finished;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(isAlive(authorityOf(stdout).pid)).toBe(false);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("kill -9 of the demo ends its authority, too", async () => {
    using directory = temporaryDirectory();
    const running = startCli(["demo"], { env: { TMPDIR: directory.path } });
    await running.until(/✓ send_report/);
    running.process.kill("SIGKILL");
    const { pid } = authorityOf((await running.finished).stdout);
    expect(pid).toBeGreaterThan(0);
    await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
  });

  test("a framework that is not installed is named and left out", async () => {
    using directory = temporaryDirectory();
    const hook = directory.file("without-langchain.mjs");
    writeFileSync(
      hook,
      `import { registerHooks } from "node:module";
       registerHooks({
         resolve(specifier, context, next) {
           if (!/^(?:langchain|@langchain)(?:\\/|$)/.test(specifier)) return next(specifier, context);
           throw Object.assign(new Error("not installed"), { code: "ERR_MODULE_NOT_FOUND" });
         },
       });`,
    );
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
    const { code, stdout } = await runCli(["demo", "--json"], { env });
    expect(JSON.parse(stdout)).toMatchObject({
      stoppedBy: "DEVICE_REVOKED",
      agents: [
        { framework: "ai-sdk", revoked: true },
        { framework: "none", revoked: false },
        { framework: "langchain", notInstalled: true },
      ],
    });
    expect(code).toBe(0);
  });
});

test(
  "a guard that asks at the start alone is found out, with 1",
  { timeout: DEMO_TIMEOUT_MS },
  async () => {
    using directory = temporaryDirectory();
    const hook = directory.file("without-guard.mjs");
    writeFileSync(
      hook,
      `import { registerHooks } from "node:module";
     registerHooks({
       load(url, context, next) {
         if (!url.endsWith("integrations/langchain/index.ts")) return next(url, context);
         const source = 'import { createMiddleware } from "langchain";' +
           'const once = (guard) => async () => { await guard.start(); };' +
           'export const guardMiddleware = (guard) =>' +
           'createMiddleware({ name: "once", beforeAgent: once(guard) });';
         return { format: "module", source, shortCircuit: true };
       },
     });`,
    );
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
    const { code, stdout } = await runCli(["demo", "--json"], { env });
    const result = JSON.parse(stdout) as { sideEffectsAfterRevoke: number; problems: string[] };
    expect(result).toMatchObject({ stoppedBy: null });
    expect(result.sideEffectsAfterRevoke).toBeGreaterThan(0);
    expect(result.problems.length).toBeGreaterThan(0);
    expect(code).toBe(1);
  },
);

test("anything that was let through is named", () => {
  const good = {
    stoppedBy: "DEVICE_REVOKED",
    sideEffectsAfterRevoke: 0,
    revokeToStopMs: 1,
    othersWentOn: true,
    stayedStopped: true,
    newRunWorked: true,
  };
  expect(problemsOf(good)).toEqual([]);
  expect(problemsOf({ ...good, stoppedBy: undefined })).toHaveLength(1);
  expect(problemsOf({ ...good, stoppedBy: "AUTHORITY_TIMEOUT" })).toHaveLength(1);
  expect(problemsOf({ ...good, sideEffectsAfterRevoke: 2 })).toEqual([
    "2 side effects after the revoke",
  ]);
  expect(problemsOf({ ...good, othersWentOn: false })).toHaveLength(1);
  expect(problemsOf({ ...good, stayedStopped: false })).toHaveLength(1);
  expect(problemsOf({ ...good, newRunWorked: false })).toHaveLength(1);
});
