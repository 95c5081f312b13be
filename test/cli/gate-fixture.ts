import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A server that a test writes, in lines of JSON. */
const SERVER = `
import { createInterface } from "node:readline";
import { appendFileSync } from "node:fs";
const [, , file] = process.argv;
appendFileSync(file, process.pid + "\\n");
const say = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say({ id, result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } } });
  if (method === "ping") say({ id, result: {} });
  if (method === "notifications/cancelled") appendFileSync(file, "cancelled " + params.reason + "\\n");
  if (method !== "tools/call") continue;
  appendFileSync(file, "called " + params.name + "\\n");
  if (params.name === "crash") process.exit(9);
  if (params.name === "wrong") say({ id: 4711, result: { content: [] } });
  if (params.name === "flood") for (let n = 0; n < 20000; n += 1) say({ method: "notifications/message", params: { level: "info", data: n } });
  if (params.name === "noise") console.log("this is no message");
  if (params.name === "stay") setInterval(() => undefined, 1000);
  if (["quick", "flood", "noise", "echo"].includes(params.name)) say({ id, result: { content: [], echo: line } });
}
if (process.env.STAYS) setInterval(() => undefined, 1000);
`;

export interface Scripted {
  readonly args: readonly string[];
  readonly log: () => string;
  readonly pid: () => Promise<number>;
}

export function scripted(directory: { file(name: string): string }): Scripted {
  const [script, file] = [directory.file("server.mjs"), directory.file("log")];
  writeFileSync(script, SERVER);
  const log = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  return {
    args: ["--", process.execPath, script, file],
    log,
    async pid() {
      while (!log().includes("\n")) await delay(5);
      return Number.parseInt(log(), 10);
    },
  };
}

export const HELLO = {
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  },
};
export const frame = (message: object): string =>
  `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
export const call = (id: unknown, name: string, args: object = {}): object => ({
  id,
  method: "tools/call",
  params: { name, arguments: args },
});
