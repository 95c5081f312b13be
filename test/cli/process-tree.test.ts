import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findMembers, MEMBERS } from "../../src/cli/process-tree/members.ts";
import type { Listing } from "../../src/cli/process-tree/members.ts";
import { startProcessTree } from "../../src/cli/process-tree/process-tree.ts";
import { FAMILY, FAMILY_SIZE, familyIn, isAlive, untilGone } from "./family.ts";
import { temporaryDirectory } from "./spawn.ts";

const MODULE = pathToFileURL(
  join(import.meta.dirname, "../../src/cli/process-tree/process-tree.ts"),
).href;

describe.runIf(process.platform === "linux")("a tree of processes", () => {
  test("is ended as a whole", async () => {
    using directory = temporaryDirectory();
    const file = directory.file("pids");
    const tree = await startProcessTree({
      command: "sh",
      args: ["-c", FAMILY],
      env: { ...process.env, FILE: file },
      stdio: "ignore",
    });
    const pids = await familyIn(file);
    expect(pids.every((pid) => isAlive(pid))).toBe(true);
    expect(await tree.end(50)).toEqual({ code: null, signal: "SIGKILL", left: [] });
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  });

  test("is ended when its supervisor is killed", async () => {
    using directory = temporaryDirectory();
    const file = directory.file("pids");
    const code = `
      import { startProcessTree } from ${JSON.stringify(MODULE)};
      await startProcessTree({ command: "sh", args: ["-c", process.env.FAMILY], env: process.env, stdio: "ignore" });
      console.log("started");
      setInterval(() => undefined, 1000);`;
    const supervisor = spawn(process.execPath, ["--input-type=module", "--eval", code], {
      env: { ...process.env, FILE: file, FAMILY },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(createInterface(supervisor.stdout), "line");
    const pids = await familyIn(file);
    supervisor.kill("SIGKILL");
    await untilGone(pids);
    expect(pids).toHaveLength(FAMILY_SIZE);
  });

  test("leaves others alone", async () => {
    const bystander = spawn("sleep", ["60"], { stdio: "ignore" });
    const tree = await startProcessTree({
      command: "sleep",
      args: ["60"],
      env: process.env,
      stdio: "ignore",
    });
    expect(await tree.end(5000)).toEqual({ code: null, signal: "SIGTERM", left: [] });
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
    bystander.kill();
  });

  test("is found by group and descent where no environment can be read", async () => {
    using directory = temporaryDirectory();
    const file = directory.file("pids");
    const tree = await startProcessTree({
      command: "sh",
      args: ["-c", FAMILY],
      env: { ...process.env, FILE: file },
      stdio: "ignore",
    });
    const pids = await familyIn(file);
    const name = { marker: "none", digits: "", group: tree.process.pid ?? 0 };
    const found = (await findMembers(name, [], "ps")).map(({ pid }) => pid);
    // All but the one that left the group and whose parent has gone.
    expect(pids.filter((pid) => found.includes(pid))).toHaveLength(FAMILY_SIZE - 1);
    expect(found).not.toContain(process.pid);
    await tree.end(0);
  });

  test.each<Listing>(["proc", "ps"])(
    "is not taken for empty where tools are missing: %s",
    (listing) => {
      const script = `${MEMBERS[listing]}\nmembers none 1 ""`;
      const { status } = spawnSync("/bin/sh", ["-c", script], { env: { PATH: "/nowhere" } });
      expect(status).toBe(69);
    },
  );

  test("tells how the program ended", async () => {
    const options = { command: "sh", args: ["-c", "exit 7"], env: process.env, stdio: "ignore" };
    const tree = await startProcessTree({ ...options, stdio: "ignore" });
    expect(await tree.ended).toEqual({ code: 7, signal: null });
    await tree.end(0);
  });

  test("a program that is not there is an error", async () => {
    const options = { command: "no-such-program", args: [], env: process.env };
    await expect(startProcessTree({ ...options, stdio: "ignore" })).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});
