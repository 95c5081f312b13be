import { expect, it } from "vitest";
import { spawn } from "node:child_process";
import { once } from "node:events";

it("a process that can start servers ends with the exit code that it set", async () => {
  const server = new URL("support/postgres-server.ts", import.meta.url).href;
  const script = `await import(${JSON.stringify(server)}); process.exitCode = 3;`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  expect(await once(child, "exit")).toEqual([3, null]);
});
