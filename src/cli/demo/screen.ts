import { describeBoundary } from "../../guard/index.ts";
import type { CheckEvent, ExecutionStoppedError } from "../../index.ts";
import { paint, print } from "../output.ts";

const TIME_WIDTH = 9;
const COLUMN_WIDTH = 23;

/** Something with a column of its own. */
export interface Column {
  readonly title: string;
  readonly deviceId: string;
}

/** What the demo shows. */
export interface Screen {
  heading(address: string, pid: number): void;
  columns(agents: readonly Column[]): void;
  check(agent: Column, event: CheckEvent): void;
  stopped(agent: Column, error: ExecutionStoppedError): void;
  say(text: string): void;
}

const nothing = (): void => undefined;

/** Shows nothing, for programs. */
export const silentScreen: Screen = {
  heading: nothing,
  columns: nothing,
  check: nothing,
  stopped: nothing,
  say: nothing,
};

/** Shows every check as it happens: a line each, a column for each agent. */
export function createScreen(): Screen {
  const startedAtMs = performance.now();
  let columns: readonly Column[] = [];
  const time = (): string => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(2);
    return paint("dim", `${seconds.padStart(6)}s  `);
  };
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell.padEnd(COLUMN_WIDTH))
      .join("")
      .trimEnd();
  const say = (text: string): void => print(`${time()}${text}`);
  return {
    heading: (address, pid) => {
      print(paint("bold", "MachineID: agents work only while the authority says so"));
      print(`\n  Authority  ${paint("cyan", address)}  its own process, ${pid}`);
      print("  Models     scripted; no API key is needed\n");
    },
    columns: (agents) => {
      columns = agents;
      const margin = " ".repeat(TIME_WIDTH);
      print(margin + paint("bold", row(agents.map(({ title }) => title))));
      print(margin + paint("dim", row(agents.map(({ deviceId }) => deviceId))));
    },
    check: (agent, { boundary, outcome, code }) => {
      const isAllowed = outcome === "allowed";
      const what = boundary.kind === "tool" || boundary.kind === "task" ? boundary.name : undefined;
      const cell = isAllowed ? `✓ ${what ?? boundary.kind}` : `✗ ${code}`;
      const indent = " ".repeat(COLUMN_WIDTH * Math.max(0, columns.indexOf(agent)));
      print(time() + indent + paint(isAllowed ? "green" : "red", cell));
    },
    stopped: ({ title }, { code, boundary, requestId }) => {
      const request = requestId === undefined ? "" : `, request ${requestId}`;
      say(paint("red", `${title} stopped: ${code} at ${describeBoundary(boundary)}${request}`));
    },
    say,
  };
}
