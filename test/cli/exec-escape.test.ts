import { once } from "node:events";
import { chmodSync, copyFileSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEVICE, execScene } from "./exec-fixture.ts";
import {
  FAMILY,
  FAMILY_SIZE,
  familyIn,
  isAlive,
  readOr,
  untilGone,
  untilWritten,
} from "./family.ts";
import { CLI, startProgram } from "./spawn.ts";

/** Children of a process, as the kernel knows them. */
const childrenOf = (pid: number | undefined): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);

const commandOf = (pid: number): string => readOr(`/proc/${pid}/cmdline`).split("\0").join(" ");

const watchdogOf = (pid: number | undefined): number =>
  childrenOf(pid).find((child) => commandOf(child).includes("machineid-watchdog")) ?? 0;

/** A program that leaves its session, forks twice, empties its environment, and whose parents end. */
const DAEMON = `
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sh", ["sh", "-c", """trap "" TERM HUP INT
            echo 1 >> "$0"; while :; do echo x >> "$0.ticks"; sleep 0.02; done""", sys.argv[1]], {"PATH": os.environ["PATH"]})
    os._exit(0)
os.wait()
if len(sys.argv) == 2: time.sleep(1000)
`;

/** Pids, as seen from here, of processes whose command line names a file. */
const processesNaming = (file: string): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && readOr(`/proc/${pid}/cmdline`).includes(file));

test("a program whose exec was killed together with a watchdog that had died before does not survive", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  const running = scene.exec([], ["sh", "-c", FAMILY], { FILE: file });
  const pids = await familyIn(file);
  const first = watchdogOf(running.process.pid);
  process.kill(first, "SIGKILL");
  while ([0, first].includes(watchdogOf(running.process.pid))) await new Promise(setImmediate);
  // The one in its place has said nothing yet, and then finds nobody who would hear it.
  const second = watchdogOf(running.process.pid);
  process.kill(second, "SIGSTOP");
  const ended = once(running.process, "exit");
  running.process.kill("SIGKILL");
  await ended;
  process.kill(second, "SIGCONT");
  await untilGone(pids);
  expect(pids).toHaveLength(FAMILY_SIZE);
});

test("an exec within an exec ends with it", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  // The key does not reach the program, so the inner one has it from a file.
  const key = scene.script("key", scene.orgKey);
  const options = ["--device", DEVICE, "--key-file", key];
  const inner = [process.execPath, CLI, "exec", ...options, "--", "sh", "-c", FAMILY];
  const running = scene.exec([], inner, { FILE: file });
  const pids = await familyIn(file);
  running.process.kill("SIGKILL");
  await untilGone(pids);
  expect(pids).toHaveLength(FAMILY_SIZE);
});

test.for([
  { isolation: [], how: "without --isolate" },
  { isolation: ["--isolate"], how: "with --isolate" },
])(
  "a daemon that left the session, its parents and its environment does not survive a stop, $how",
  async ({ isolation }) => {
    await using scene = await execScene();
    const file = scene.file("pids");
    const options = [...isolation, "--grace", "0s", ...scene.statusFile];
    const running = scene.exec(options, ["python3", "-c", DAEMON, file]);
    await familyIn(file, 1);
    await untilWritten(`${file}.ticks`);
    expect(processesNaming(file).length).toBeGreaterThan(1);
    await scene.client.revoke(DEVICE);
    expect(await running.finished).toMatchObject({ code: 3 });
    expect(processesNaming(file)).toEqual([]);
  },
);

test("such a daemon does not survive the program", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  const program = ["python3", "-c", DAEMON, file, "end"];
  expect(await scene.run(["--grace", "0s"], program)).toMatchObject({ code: 0, stderr: "" });
  expect(processesNaming(file)).toEqual([]);
});

test("such a daemon does not survive the kill -9 of exec, nor of one around it", async () => {
  await using scene = await execScene();
  const key = scene.script("key", scene.orgKey);
  const inner = [process.execPath, CLI, "exec", "--device", DEVICE, "--key-file", key, "--"];
  for (const around of [[], inner]) {
    const file = scene.file(`pids-${around.length}`);
    const running = scene.exec([], [...around, "python3", "-c", DAEMON, file]);
    await familyIn(file, 1);
    running.process.kill("SIGKILL");
    while (processesNaming(file).some((pid) => isAlive(pid))) await new Promise(setImmediate);
    expect(await running.finished).toMatchObject({ signal: "SIGKILL" });
  }
});

test("with --isolate nothing survives the program", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  expect(await scene.run(["--isolate"], ["python3", "-c", DAEMON, file, "end"])).toMatchObject({
    code: 0,
  });
  expect(processesNaming(file)).toEqual([]);
});

test("with --isolate nothing survives exec and its watchdog, killed in one", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  const running = scene.exec(["--isolate"], ["python3", "-c", DAEMON, file]);
  await familyIn(file, 1);
  const watchdog = watchdogOf(running.process.pid);
  // Stopped, the watchdog can do nothing, and is not replaced.
  process.kill(watchdog, "SIGSTOP");
  running.process.kill("SIGKILL");
  while (processesNaming(file).some((pid) => isAlive(pid))) await new Promise(setImmediate);
  expect(isAlive(watchdog)).toBe(true);
  process.kill(watchdog, "SIGKILL");
});

test("with --isolate a program sees its own processes alone, and ends as it ends", async () => {
  await using scene = await execScene();
  const program = `
import os, sys
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) == [1, os.getpid()])
sys.exit(9)`;
  expect(await scene.run(["--isolate"], ["python3", "-c", program])).toMatchObject({
    code: 9,
    stdout: "True\n",
  });
  expect(await scene.run(["--isolate"], ["sh", "-c", "kill -KILL $$"])).toMatchObject({
    code: 137,
    stderr: "",
  });
  expect(await scene.run(["--isolate"], ["no-such-program"])).toMatchObject({ code: 127 });
});

test("with --isolate a signal reaches the program, and not what stands around it", async () => {
  await using scene = await execScene();
  const program = `
import signal, sys, time
heard = []
signal.signal(signal.SIGHUP, lambda *_: heard.append(1))
print("ready", flush=True)
while not heard: time.sleep(0.01)
sys.exit(41)`;
  const running = scene.exec(["--isolate"], ["python3", "-c", program]);
  await running.until(/ready/);
  running.process.kill("SIGHUP");
  expect(await running.finished).toMatchObject({ code: 41 });
});

test.runIf(process.getuid?.() === 0)("what cannot be ended is not said to have ended", async () => {
  await using scene = await execScene();
  const [tool, file] = [scene.file("become-root"), scene.file("pids")];
  copyFileSync("/usr/bin/setpriv", tool);
  chmodSync(tool, 0o4755);
  chmodSync(scene.file("."), 0o777);
  const work = `"$0" --reuid 0 --regid 0 --clear-groups sh -c 'echo $$ >> "$1"; exec sleep 1000' sh "$1" > /dev/null 2>&1 & wait`;
  const exec = ["exec", "--device", DEVICE, "--recheck-ms", "50", "--grace", "0s"];
  const running = startProgram(
    "setpriv",
    [
      "--reuid",
      "65534",
      "--regid",
      "65534",
      "--clear-groups",
      process.execPath,
      CLI,
      ...exec,
    ].concat([...scene.statusFile, "--", "sh", "-c", work, tool, file]),
    { env: scene.env },
  );
  const [pid = 0] = await familyIn(file, 1);
  try {
    await scene.client.revoke(DEVICE);
    const { code, stderr } = await running.finished;
    expect(isAlive(pid)).toBe(true);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`could not be ended.*: .*\\b${pid}\\b`));
    expect(scene.status()).toMatchObject({ state: "failed", code: "PROCESSES_LEFT" });
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("without namespaces --isolate starts nothing, and says how to get them", async () => {
  await using scene = await execScene();
  const { code, stderr } = await scene.run(
    ["--isolate", ...scene.statusFile],
    ["/bin/sh", "-c", `: > ${scene.file("began")}`],
    { PATH: scene.file("") },
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/--isolate cannot be had here.*util-linux/);
  expect(readOr(scene.file("began"), "none")).toBe("none");
  expect(scene.status()).toMatchObject({ state: "failed", code: "ISOLATION_UNAVAILABLE" });
});
