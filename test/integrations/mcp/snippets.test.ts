import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLI, cleanEnv, startServe, temporaryDirectory } from "../../cli/spawn.ts";
import type { Served, TemporaryDirectory } from "../../cli/spawn.ts";
import { connectAssistant } from "./assistants.ts";
import { connectHttp, startMcpHttp } from "./http-scene.ts";

const ROOT = join(import.meta.dirname, "../../..");

interface Entry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Snippet {
  /** The page, and the heading that the snippet is under. */
  readonly name: string;
  readonly entry: Entry;
}

/** The configurations of servers that a page shows. */
function snippetsOf(page: string): readonly Snippet[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].flatMap((match) => {
    const parsed = JSON.parse(match[1] ?? "") as Record<string, Record<string, Entry>>;
    const heading =
      text
        .slice(0, match.index)
        .match(/^#+ .*$/gm)
        ?.at(-1) ?? "";
    const servers = parsed["mcpServers"] ?? parsed["servers"] ?? {};
    return Object.values(servers).map((entry) => ({
      name: `${page} ${heading}`,
      entry,
    }));
  });
}

const SNIPPETS = [...snippetsOf("docs/integrations/mcp.md"), ...snippetsOf("README.md")];
const STDIO = SNIPPETS.filter(({ entry }) => entry.command !== undefined);
const HTTP = SNIPPETS.filter(({ entry }) => entry.url !== undefined);

let served: Served;
let folder: TemporaryDirectory;
let path: string;

beforeAll(async () => {
  served = await startServe(":memory:");
  folder = temporaryDirectory();
  path = installPackages(folder.path);
});

afterAll(async () => {
  folder[Symbol.dispose]();
  await served[Symbol.asyncDispose]();
});

/**
 * A folder in which the packages that a snippet names are installed, as npx would
 * install them; this package from its sources. Returns the PATH that goes with it.
 */
function installPackages(target: string): string {
  const modules = join(target, "node_modules");
  const own = join(modules, "machineid-io");
  mkdirSync(join(own), { recursive: true });
  mkdirSync(join(modules, "@modelcontextprotocol"));
  mkdirSync(join(modules, ".bin"));
  writeFileSync(join(target, "package.json"), '{ "private": true }\n');
  const { version, bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
    bin: Record<string, string>;
  };
  const bins = Object.fromEntries(Object.keys(bin).map((name) => [name, "cli.js"]));
  writeFileSync(
    join(own, "package.json"),
    JSON.stringify({ name: "machineid-io", version, type: "module", bin: bins }),
  );
  const cli = join(own, "cli.js");
  const source = JSON.stringify(pathToFileURL(CLI).href);
  writeFileSync(cli, `#!/usr/bin/env node\nawait import(${source});\n`);
  chmodSync(cli, 0o755);
  for (const name of Object.keys(bins)) symlinkSync(cli, join(modules, ".bin", name));
  symlinkSync(
    join(ROOT, "node_modules/@modelcontextprotocol/sdk"),
    join(modules, "@modelcontextprotocol/sdk"),
  );
  return [join(ROOT, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter);
}

/** Puts the key where the editor, or whoever copies the snippet, would put it. */
function filled(values: Readonly<Record<string, string>> = {}): Record<string, string> {
  const placeholder = /^(?:org_…|\$\{(?:env:|input:)?[\w-]+\})$/;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      expect(value).toMatch(placeholder);
      return [name, served.ownerKey];
    }),
  );
}

test("the page has a snippet for each of these", () => {
  expect(SNIPPETS.map(({ name }) => name)).toEqual([
    "docs/integrations/mcp.md ### Claude Desktop",
    "docs/integrations/mcp.md ### Claude Code",
    "docs/integrations/mcp.md ### Cursor",
    "docs/integrations/mcp.md ### VS Code",
    "docs/integrations/mcp.md ## Over HTTP",
    "README.md ## Agents in one line",
  ]);
});

test.each(STDIO)(
  "$name starts as it is written",
  async ({ entry: { command = "", args, env } }) => {
    const inherited = cleanEnv({
      PATH: path,
      MACHINEID_BASE_URL: served.url,
      // Everything is there; whatever is not must not come from elsewhere.
      npm_config_offline: "true",
    });
    const server = {
      command,
      args: [...(args ?? [])],
      cwd: folder.path,
      env: { ...(inherited as Record<string, string>), ...filled(env) },
    };
    await using assistant = await connectAssistant("v1", {
      v1: () => new StdioClientTransport(server),
      v2: () => {
        throw new Error("not used");
      },
    });
    expect(await assistant.toolNames()).toEqual(expect.arrayContaining(["revoke_device"]));
    expect((await assistant.call("get_usage")).structured).toMatchObject({ planState: "active" });
  },
  60_000,
);

test.each(HTTP)("$name connects as it is written", async ({ entry: { url = "", headers } }) => {
  await using mcp = await startMcpHttp(served.url);
  const { port } = new URL(mcp.url);
  const written = new URL(url);
  expect(written.port).toBe("7644");
  written.port = port;
  await using assistant = await connectHttp(written.href, filled(headers));
  expect((await assistant.call("get_usage")).structured).toMatchObject({ planState: "active" });
});
