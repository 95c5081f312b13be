import { expect, test } from "vitest";
import { doors as plainCode } from "./guard/doors.ts";
import { doors as aiSdk } from "./integrations/ai-sdk/doors.ts";
import { doors as claudeAgent } from "./integrations/claude-agent/doors.ts";
import { doors as langchain } from "./integrations/langchain/doors.ts";
import { doors as mcp } from "./integrations/mcp/gate/doors.ts";
import { doors as mastra } from "./integrations/mastra/doors.ts";
import { doors as openaiAgents } from "./integrations/openai-agents/doors.ts";
import type { Door } from "./integrations/shared/door.ts";

/** A way into guarded work, as the page shows it. */
interface Row {
  /** Where work begins. */
  readonly door: string;
  /** What guards it. */
  readonly gate: string;
  readonly versions?: readonly number[];
  readonly closed: boolean;
  readonly surfaces: string;
  readonly note: string;
}

const LANGCHAIN_SURFACES = {
  denial: "the denial itself is thrown",
  wrapped: "an error in which `findExecutionStopped` finds it",
  result: "nothing is thrown",
} as const;

const frameworks: Readonly<Record<string, readonly Row[]>> = {
  "LangChain and LangGraph": langchain.map(({ door, entry, closed, surfaces, note = "" }) => ({
    door: entry,
    gate: door,
    closed,
    surfaces: LANGCHAIN_SURFACES[surfaces],
    note,
  })),
  "AI SDK": Object.values(
    Object.groupBy(aiSdk, ({ door, entry, surfaces, note }) =>
      JSON.stringify([door, entry, surfaces, note]),
    ),
  ).flatMap((group = []) => {
    const [first] = group;
    if (first === undefined) return [];
    const { door, entry, closed, surfaces, note = "" } = first;
    const versions = group.map(({ version }) => version);
    return [{ door, gate: entry, versions, closed, surfaces, note }];
  }),
  "OpenAI Agents": openaiAgents.map(toRow),
  Mastra: mastra.map(toRow),
  "Claude Agent SDK and Claude Code": claudeAgent.map(toRow),
  "Plain code": plainCode.map(toRow),
  "MCP, by version of the server's SDK": mcp.map(({ entry, note = "", ...door }) => ({
    ...door,
    gate: entry,
    note,
  })),
};

function toRow(source: Door): Row {
  const [gate = "", way = ""] = source.entry.split(": ");
  const { closed, surfaces, note = "" } = source;
  return {
    door: way === "" ? source.door : `${source.door}: ${way}`,
    gate,
    closed,
    surfaces,
    note,
  };
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function section(framework: string, rows: readonly Row[]): string {
  const hasVersions = rows.some(({ versions }) => versions !== undefined);
  const table = (title: string, chosen: readonly Row[]): string[] => [
    `### ${title}`,
    "",
    `| where work begins | gate |${hasVersions ? " version |" : ""} how a denial surfaces | note |`,
    `| --- | --- |${hasVersions ? " --- |" : ""} --- | --- |`,
    ...chosen.map(({ door, gate, versions = [], surfaces, note }) => {
      const version = hasVersions ? [versions.join(", ")] : [];
      const guard = gate === "" ? "none" : `\`${gate}\``;
      return `| ${[cell(door), guard, ...version, cell(surfaces), cell(note)].join(" | ")} |`;
    }),
    "",
  ];
  const closed = rows.filter((row) => row.closed);
  const open = rows.filter((row) => !row.closed);
  return [
    `## ${framework}`,
    "",
    ...table("Closed", closed),
    ...(open.length === 0 ? [] : table("Cannot be closed", open)),
  ].join("\n");
}

test("docs/coverage.md lists every door that the suites go through", async () => {
  const sections = Object.entries(frameworks).map(([name, rows]) => section(name, rows));
  const page = [
    "# Coverage",
    "",
    "Every way into guarded work that is known, per framework. Each closed door is gone through by the",
    "suites with the device revoked before, between and during steps, and with the authority down,",
    "hanging and answering nonsense: the guarded body is not entered after the denial. This page is made",
    "from the suites' own tables; a test fails when it is out of date (`npx vitest run test/coverage.test.ts -u`",
    "makes it anew).",
    "",
    ...sections,
  ].join("\n");
  await expect(page).toMatchFileSnapshot("../docs/coverage.md");
});
