import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { builtinModules } from "node:module";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

/** What each module may import; imports point one way. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "src/wire": [],
  "src/client": ["src/wire"],
  "src/guard": ["src/wire", "src/client"],
  "src/events": ["src/wire", "src/client"],
  "src/index.ts": ["src/wire", "src/client", "src/guard"],
  "src/authority": ["src/wire"],
  "src/testing": ["src/index.ts", "src/authority"],
  "src/cli": [
    "src/wire",
    "src/client",
    "src/guard",
    "src/events",
    "src/index.ts",
    "src/authority",
    "integrations/langchain",
    "integrations/ai-sdk",
    "integrations/mcp",
  ],
  "integrations/shared": ["src/index.ts"],
  "integrations/langchain": ["src/index.ts", "integrations/shared"],
  "integrations/ai-sdk": ["src/index.ts", "integrations/shared"],
  "integrations/mcp": ["src/index.ts", "integrations/shared"],
  "integrations/openai-agents": ["src/index.ts", "integrations/shared"],
  "integrations/mastra": ["src/index.ts", "integrations/shared"],
  "integrations/claude-agent": ["src/index.ts", "integrations/shared"],
};

/** Packages each module may name; a type-only import of an optional peer counts too. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "src/wire": ["zod"],
  "src/client": ["ws"],
  "src/events": ["eventsource-parser"],
  "src/guard": [],
  "src/index.ts": [],
  "src/authority": [
    "node:",
    "zod",
    "fastify",
    "@fastify/cors",
    "jose",
    "pino",
    "pg",
    "prom-client",
    "ws",
  ],
  "src/testing": ["node:"],
  "src/cli": [
    "node:",
    "citty",
    "get-east-asian-width",
    "eventsource-parser",
    "fastify",
    "get-east-asian-width",
    "pino",
    "zod",
    "langchain",
    "@langchain/",
    "ai",
    "@modelcontextprotocol/sdk",
  ],
  "integrations/shared": [],
  "integrations/langchain": ["@langchain/", "langchain", "zod"],
  "integrations/ai-sdk": ["ai"],
  "integrations/mcp": ["@modelcontextprotocol/sdk", "zod"],
  "integrations/openai-agents": ["@openai/agents"],
  "integrations/mastra": ["@mastra/core"],
  "integrations/claude-agent": ["@anthropic-ai/claude-agent-sdk"],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

/** Every module a source names: imports, re-exports, dynamic imports and import types. */
function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const note = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteralLike(node))
      found.push({ file, specifier: node.text });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) note(node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      note(node.argument.literal);
    if (ts.isCallExpression(node)) {
      const name = node.expression.getText(source);
      const loads = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      if (loads || name === "require" || name.endsWith("import.meta.resolve"))
        note(node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const moduleOf = (path: string): string | undefined =>
  Object.keys(ALLOWED)
    .filter((module) => path === module || path.startsWith(`${module}/`))
    .toSorted((a, b) => b.length - a.length)[0];

function problemWith({ file, specifier }: Import): string | undefined {
  const from = moduleOf(file);
  if (from === undefined) return `${file} belongs to no module`;
  if (specifier.startsWith(".")) {
    const target = normalize(join(dirname(file), specifier));
    const to = moduleOf(target);
    if (to === from || (to !== undefined && ALLOWED[from]?.includes(to) === true)) return undefined;
    return `${file} must not import ${target}`;
  }
  const isBuiltin = specifier.startsWith("node:") || builtinModules.includes(specifier);
  if (isBuiltin && !specifier.startsWith("node:"))
    return `${file} names ${specifier} without node:`;
  const isAllowed = PACKAGES[from]?.some((allowed) =>
    allowed.endsWith(":") || allowed.endsWith("/")
      ? specifier.startsWith(allowed)
      : specifier === allowed || specifier.startsWith(`${allowed}/`),
  );
  return isAllowed === true ? undefined : `${file} must not import ${specifier}`;
}

const files = globSync(["src/**/*.ts", "integrations/**/*.ts"], { cwd: ROOT }).map((file) =>
  relative(ROOT, join(ROOT, file)),
);
const sources = files.map((file) => ({ file, text: readFileSync(join(ROOT, file), "utf8") }));

test("imports point one way", () => {
  const imports = sources.flatMap(({ file, text }) => importsOf(file, text));
  expect(files.length).toBeGreaterThan(40);
  expect(imports.length).toBeGreaterThan(150);
  expect(imports.map(problemWith).filter((problem) => problem !== undefined)).toEqual([]);
});

test("no public entry re-exports everything", () => {
  const entries = sources.filter(({ file }) => file.endsWith("/index.ts"));
  expect(entries.length).toBeGreaterThan(4);
  expect(
    entries.filter(({ text }) => /^export (?:type )?\*/m.test(text)).map(({ file }) => file),
  ).toEqual([]);
});

test("only the command line reads the environment, except fromEnv", () => {
  const readers = sources
    .filter(({ text }) => /\bprocess\??\.env\b/.test(text))
    .map(({ file }) => file)
    .filter((file) => !file.startsWith("src/cli/"));
  expect(readers).toEqual(["src/client/machine-id-options.ts"]);
});

describe("the scanner itself", () => {
  test.each([
    ["src/wire/codes.ts", 'import { x } from "../client/index.ts";'],
    ["src/client/client.ts", 'export type { Run } from "../guard/index.ts";'],
    ["src/guard/run.ts", 'const a = await import("../authority/index.ts");'],
    ["src/guard/run.ts", 'let a: import("../cli/main.ts").X;'],
    ["src/guard/run.ts", 'import "node:http";'],
    ["src/authority/decide.ts", 'import "../guard/index.ts";'],
    ["src/authority/decide.ts", 'import "http";'],
    ["integrations/ai-sdk/model.ts", 'import "../../src/guard/index.ts";'],
    ["integrations/ai-sdk/model.ts", 'import "@langchain/core/tools";'],
    ["integrations/ai-sdk/model.ts", 'import "../langchain/index.ts";'],
    ["src/elsewhere.ts", 'import "zod";'],
  ])("refuses in %s: %s", (file, text) => {
    const problems = importsOf(file, text).map(problemWith);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toEqual(expect.any(String));
  });

  test("finds what is allowed, and lets it pass", () => {
    const text = 'import "../wire/index.ts"; export { a } from "./errors.ts"; // import "fs"';
    const imports = importsOf("src/client/client.ts", text);
    expect(imports.map(({ specifier }) => specifier)).toEqual(["../wire/index.ts", "./errors.ts"]);
    expect(imports.map(problemWith)).toEqual([undefined, undefined]);
  });
});
