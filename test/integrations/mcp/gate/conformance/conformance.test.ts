import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { createGateway, guardServer } from "../../../../../integrations/mcp/index.ts";
import type { AnyTransport } from "../../../../../integrations/mcp/index.ts";
import { createHttpTransport } from "../../../../../src/cli/gate/http-transport.ts";
import { serveHttp } from "../../../../../src/cli/gate/serve-http.ts";
import { freePort } from "../../../../support/free-port.ts";
import { recordingGuard } from "../../../../../src/testing/index.ts";
import { createFixtureServer } from "./fixture-server.ts";
import { serveSessions } from "./serve.ts";

const require = createRequire(import.meta.url);
const SUITE = require.resolve("@modelcontextprotocol/conformance/dist/index.js");
const EVERYTHING = require.resolve("@modelcontextprotocol/server-everything/dist/index.js");
const GATE = { resources: true, prompts: true, completions: true };

/** Runs the active suite against a server; resolves with what it says of each scenario. */
async function runSuite(url: URL): Promise<readonly string[]> {
  const args = [SUITE, "server", "--url", url.href, "--suite", "active"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  return output.split("\n").filter((line) => /^[✓✗] /.test(line));
}

/** Serves a gateway in front of a server over HTTP. */
async function serveGateway(
  upstream: URL,
): Promise<AsyncDisposable & { readonly url: URL; readonly checks: () => number }> {
  const guard = recordingGuard();
  const open = (): AnyTransport => createHttpTransport({ url: upstream, headers: {} });
  const front = await serveHttp(createGateway(guard, open, GATE), { host: "127.0.0.1", port: 0 });
  return {
    url: front.url,
    checks: () => guard.checks.length,
    [Symbol.asyncDispose]: () => front[Symbol.asyncDispose](),
  };
}

/** The reference server, over HTTP. */
async function startEverything(): Promise<AsyncDisposable & { readonly url: URL }> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const closed = once(child, "close");
  await once(child.stderr, "data");
  return {
    url: new URL(`http://localhost:${port}/mcp`),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

describe("the conformance suite passes", () => {
  test("ungated, with guardServer and behind the gateway alike", { timeout: 60_000 }, async () => {
    const guard = recordingGuard();
    await using bare = await serveSessions(createFixtureServer);
    await using guarded = await serveSessions(() =>
      guardServer(guard, createFixtureServer(), GATE),
    );
    await using gateway = await serveGateway(bare.url);
    const results = [];
    for (const { url } of [bare, guarded, gateway]) results.push(await runSuite(url));
    const [ungated = [], ...gated] = results;
    expect(ungated.length).toBeGreaterThan(25);
    expect(ungated.filter((line) => !line.startsWith("✓"))).toEqual([]);
    expect(gated).toEqual([ungated, ungated]);
    expect(guard.checks.length).toBeGreaterThan(15);
    expect(gateway.checks()).toBe(guard.checks.length);
  });

  test("as far with server-everything behind the gateway as without it", async () => {
    await using everything = await startEverything();
    await using gateway = await serveGateway(everything.url);
    const [ungated, gated] = [await runSuite(everything.url), await runSuite(gateway.url)];
    expect(ungated.filter((line) => line.startsWith("✓")).length).toBeGreaterThan(5);
    const others = (lines: readonly string[]) => lines.filter((line) => !line.includes("dns-"));
    expect(others(gated)).toEqual(others(ungated));
    // The server itself lets other names of this machine through; the gateway does not.
    expect(gated).toContain("✓ dns-rebinding-protection: 2 passed, 0 failed");
  });
});
