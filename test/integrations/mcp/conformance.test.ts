import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startServe, temporaryDirectory } from "../../cli/spawn.ts";
import { startMcpHttp } from "./http-scene.ts";

const RUNNER = join(
  import.meta.dirname,
  "../../../node_modules/@modelcontextprotocol/conformance/dist/index.js",
);

/** Every scenario of the active suite that needs no tool, resource or prompt of the suite's own names. */
const PASSED = [
  "dns-rebinding-protection",
  "logging-set-level",
  "ping",
  "prompts-list",
  "resources-list",
  "server-initialize",
  "server-sse-multiple-streams",
  "tools-list",
];

/** The others, with what each asks a server to have. */
const NEEDS_FIXTURES: Readonly<Record<string, string>> = {
  "completion-complete": "test_prompt_with_arguments",
  "elicitation-sep1034-defaults": "test_elicitation_sep1034_defaults",
  "elicitation-sep1330-enums": "test_elicitation_sep1330_enums",
  "prompts-get-embedded-resource": "test_prompt_with_embedded_resource",
  "prompts-get-simple": "test_simple_prompt",
  "prompts-get-with-args": "test_prompt_with_arguments",
  "prompts-get-with-image": "test_prompt_with_image",
  "resources-read-binary": "test://static-binary",
  "resources-read-text": "test://static-text",
  "resources-subscribe": "test://watched-resource",
  "resources-templates-read": "test://template/{id}/data",
  "resources-unsubscribe": "test://watched-resource",
  "tools-call-audio": "test_audio_content",
  "tools-call-elicitation": "test_elicitation",
  "tools-call-embedded-resource": "test_embedded_resource",
  "tools-call-error": "test_error_handling",
  "tools-call-image": "test_image_content",
  "tools-call-mixed-content": "test_multiple_content_types",
  "tools-call-sampling": "test_sampling",
  "tools-call-simple-text": "test_simple_text",
  "tools-call-with-logging": "test_tool_with_logging",
  "tools-call-with-progress": "test_tool_with_progress",
};

/** The suite knows no keys, so this puts one onto each request; all else it leaves as it is. */
async function startKeyAdder(target: string, orgKey: string): Promise<Server> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, "x-org-key": orgKey };
    const onward = httpRequest(target, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

interface Check {
  readonly status: string;
}

/** Runs the active suite and returns the checks of each scenario. */
async function runSuite(url: string, folder: string): Promise<ReadonlyMap<string, Check[]>> {
  const suite = spawn(
    process.execPath,
    [RUNNER, "server", "--url", url, "--suite", "active", "--output-dir", folder],
    { stdio: "ignore" },
  );
  await once(suite, "exit");
  return new Map(
    readdirSync(folder).map((name) => {
      const scenario = name.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
      const checks = JSON.parse(readFileSync(join(folder, name, "checks.json"), "utf8")) as Check[];
      return [scenario, checks];
    }),
  );
}

const isPassed = (checks: readonly Check[]): boolean =>
  checks.length > 0 && checks.every(({ status }) => status === "SUCCESS" || status === "INFO");

test("the active suite passes, but for what needs fixtures of its own names", async () => {
  await using served = await startServe(":memory:");
  await using mcp = await startMcpHttp(served.url);
  const keyAdder = await startKeyAdder(mcp.url, served.ownerKey);
  try {
    const { port } = keyAdder.address() as AddressInfo;
    using folder = temporaryDirectory();
    const results = await runSuite(`http://127.0.0.1:${port}/mcp`, folder.path);
    expect([...results.keys()].toSorted()).toEqual(
      [...PASSED, ...Object.keys(NEEDS_FIXTURES)].toSorted(),
    );
    const failed = PASSED.filter((name) => !isPassed(results.get(name) ?? []));
    expect(failed).toEqual([]);
  } finally {
    keyAdder.closeAllConnections();
    keyAdder.close();
  }
}, 120_000);

test("what is left out does ask for something of a fixed name", () => {
  const runner = readFileSync(RUNNER, "utf8");
  const unknown = Object.entries(NEEDS_FIXTURES).filter(([, fixture]) => !runner.includes(fixture));
  expect(unknown).toEqual([]);
});

test("the page names what passes", () => {
  const page = readFileSync(new URL("../../../docs/integrations/mcp.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("Of the active suite"));
  const named = [...section.matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)].map((match) => match[1]);
  expect([...new Set(named)].toSorted((a = "", b = "") => a.localeCompare(b))).toEqual(PASSED);
});
