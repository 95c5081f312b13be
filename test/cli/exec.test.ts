import { existsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { Mode } from "../support/scripted-authority.ts";
import { DEVICE, execScene, PYTHON } from "./exec-fixture.ts";
import { FAMILY, familyIn, isAlive, readOr, untilGone, untilWritten } from "./family.ts";

describe("a program is not started", () => {
  test("when its device is revoked, and --register restores nothing", async () => {
    await using scene = await execScene();
    await scene.client.revoke(DEVICE);
    const options = ["--register", ...scene.statusFile];
    const { code, stderr } = await scene.run(options, ["touch", scene.file("began")]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^machineid: exec: denied, DEVICE_REVOKED \(request .*not started/);
    expect(existsSync(scene.file("began"))).toBe(false);
    expect(scene.status()).toMatchObject({
      state: "denied",
      code: "DEVICE_REVOKED",
      pid: null,
      exit_code: 3,
    });
    expect(await scene.client.validate(DEVICE)).toMatchObject({ allowed: false });
  });

  test("when its device is not registered; --register registers it", async () => {
    await using scene = await execScene();
    await scene.client.remove(DEVICE);
    expect(await scene.run([], ["touch", scene.file("began")])).toMatchObject({ code: 3 });
    expect(existsSync(scene.file("began"))).toBe(false);
    expect(await scene.run(["--register"], ["touch", scene.file("began")])).toMatchObject({
      code: 0,
    });
    expect(existsSync(scene.file("began"))).toBe(true);
  });

  test.each<Mode>(["down", "error", "nonsense", "hang"])(
    "when the authority gives no decision: %s",
    async (mode) => {
      await using authority = await startScriptedAuthority(mode);
      await using scene = await execScene(authority.url);
      const options = ["--timeout-ms", "500", ...scene.statusFile];
      const { code, stderr } = await scene.run(options, ["touch", scene.file("began")]);
      expect(code).toBe(4);
      expect(stderr).toMatch(/^machineid: exec: unavailable, AUTHORITY_\w+.*not started/);
      expect(existsSync(scene.file("began"))).toBe(false);
      expect(scene.status()).toMatchObject({ state: "unavailable", pid: null, exit_code: 4 });
    },
  );

  test("when its status cannot be written", async () => {
    await using scene = await execScene();
    for (const path of [scene.file("no/such/directory"), "/dev/null"]) {
      const { code, stderr } = await scene.run(
        ["--status-file", path],
        ["touch", scene.file("began")],
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/status file .* cannot be written/);
    }
    expect(existsSync(scene.file("began"))).toBe(false);
    expect(statSync("/dev/null").isFile()).toBe(false);
  });

  test("when it is interrupted before there is an answer", async () => {
    await using authority = await startScriptedAuthority("hang");
    await using scene = await execScene(authority.url);
    const options = ["--timeout-ms", "60000"];
    const running = scene.exec(options, ["touch", scene.file("began")]);
    while (authority.requests.length === 0) await delay(5);
    running.process.kill("SIGINT");
    expect(await running.finished).toMatchObject({ code: 130 });
    expect(existsSync(scene.file("began"))).toBe(false);
  });

  test("when the call is wrong", async () => {
    await using scene = await execScene();
    expect(await scene.run([], [])).toMatchObject({ code: 2 });
    expect(await scene.run(["--grace", "soon"], ["true"])).toMatchObject({ code: 2 });
    expect(await scene.run(["true"], ["true"])).toMatchObject({ code: 2 });
    expect(await scene.run([], ["no-such-program"])).toMatchObject({ code: 127 });
    expect(await scene.run(scene.statusFile, [tmpdir()])).toMatchObject({ code: 126 });
    expect(scene.status()).toMatchObject({ state: "failed", code: "EACCES", exit_code: 126 });
  });
});

describe("a program that may work", () => {
  test("ends as it ends", async () => {
    await using scene = await execScene();
    for (const exitCode of [0, 3, 4, 77]) {
      expect(await scene.run(scene.statusFile, ["sh", "-c", `exit ${exitCode}`])).toMatchObject({
        code: exitCode,
        stderr: "",
      });
      expect(scene.status()).toMatchObject({ state: "exited", code: null, exit_code: exitCode });
    }
    expect(await scene.run([], ["sh", "-c", "kill -KILL $$"])).toMatchObject({ code: 137 });
    expect(statSync(scene.statusFile[1] ?? "").mode & 0o777).toBe(0o600);
  });

  test("has its arguments and its streams, and no key", async () => {
    await using scene = await execScene();
    const program = `
import os, sys
print(sys.argv[1:], [name for name in os.environ if name.endswith("KEY")])
print(sys.stdin.read(), file=sys.stderr)`;
    const running = scene.exec([], ["python3", "-c", program, "--help", "--json", "--", "x"]);
    running.process.stdin?.end("told");
    expect(await running.finished).toEqual({
      code: 0,
      signal: null,
      stdout: "['--help', '--json', '--', 'x'] []\n",
      stderr: "told\n",
    });
  });

  test("is handed the decision's version as its fencing token", async () => {
    await using scene = await execScene();
    const { stdout } = await scene.run([], ["sh", "-c", "echo $MACHINEID_FENCE"]);
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  test("leads a session of its own", async () => {
    await using scene = await execScene();
    const program = "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0))";
    expect((await scene.run([], ["python3", "-c", program])).stdout).toBe("True\n");
  });

  test.each(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const)(
    "is told of %s, once, and decides",
    async (name) => {
      await using scene = await execScene();
      const program = `
import signal, sys, time
heard = []
signal.signal(signal.${name}, lambda *_: heard.append(1))
print("ready", flush=True)
while not heard: time.sleep(0.01)
time.sleep(0.1)
sys.exit(40 + len(heard))`;
      const running = scene.exec([], ["python3", "-c", program]);
      await running.until(/ready/);
      running.process.kill(name);
      expect(await running.finished).toMatchObject({ code: 41 });
    },
  );

  test("leaves nothing behind when it has ended", async () => {
    await using scene = await execScene();
    const file = scene.file("pids");
    const [children] = FAMILY.split("\nenv -i");
    const program = ["sh", "-c", `${children}\nread line; exit 5`];
    const running = scene.exec(["--grace", "1s"], program, { FILE: file });
    const pids = await familyIn(file, 3);
    running.process.stdin?.end("end\n");
    expect(await running.finished).toMatchObject({ code: 5 });
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  });
});

const shell = (text: string): readonly string[] => ["sh", "-c", text];

const PROGRAMS: Readonly<Record<string, { program: readonly string[]; size: number }>> = {
  "in Python": { program: ["python3", "-c", PYTHON, "FILE"], size: 1 },
  "that is a pipeline": {
    program: shell(
      `sh -c 'echo $$ >> "$FILE"; while :; do echo x; sleep 0.02; done' |
       sh -c 'echo $$ >> "$FILE"; while read -r x; do echo $x; done' |
       sh -c 'echo $$ >> "$FILE"; while read -r x; do echo $x >> "$FILE.ticks"; done'`,
    ),
    size: 3,
  },
  "that forks, leaves its session and ignores SIGTERM": { program: shell(FAMILY), size: 5 },
};

describe.each(Object.entries(PROGRAMS))("a program %s", (_name, { program, size }) => {
  const start = async (): Promise<{
    scene: Awaited<ReturnType<typeof execScene>>;
    running: ReturnType<Awaited<ReturnType<typeof execScene>>["exec"]>;
    pids: readonly number[];
    ticks: string;
  }> => {
    const scene = await execScene();
    const file = scene.file("pids");
    const command = program.map((word) => (word === "FILE" ? file : word));
    const running = scene.exec(["--grace", "1s", ...scene.statusFile], command, { FILE: file });
    const pids = await familyIn(file, size);
    await untilWritten(`${file}.ticks`);
    return { scene, running, pids, ticks: `${file}.ticks` };
  };

  test("does not survive a stop", async () => {
    const { scene, running, pids, ticks } = await start();
    await using _ = scene;
    expect(pids.every((pid) => isAlive(pid))).toBe(true);
    await scene.client.revoke(DEVICE);
    const { code, stderr } = await running.finished;
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
    const written = readOr(ticks).length;
    expect(code).toBe(3);
    expect(stderr).toMatch(/^machineid: exec: denied, DEVICE_REVOKED.*is ended\n/);
    expect(scene.status()).toMatchObject({ state: "denied", code: "DEVICE_REVOKED", exit_code: 3 });
    expect(readOr(ticks).length).toBe(written);
  });

  test("does not survive exec, not even its kill -9", async () => {
    const { scene, running, pids } = await start();
    await using _ = scene;
    running.process.kill("SIGKILL");
    await untilGone(pids);
    expect(await running.finished).toMatchObject({ signal: "SIGKILL" });
  });
});

test("a program that heeds SIGTERM is given the time to end by itself, on streams that block", async () => {
  await using scene = await execScene();
  const program = `
import fcntl, os, signal, sys, time
def end(*_):
    print([bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK) for fd in (0, 1, 2)], flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True: time.sleep(1)`;
  const running = scene.exec(["--grace", "10m"], ["python3", "-c", program]);
  await running.until(/ready/);
  await scene.client.revoke(DEVICE);
  expect(await running.finished).toMatchObject({
    code: 3,
    stdout: "ready\n[False, False, False]\n",
  });
});

test("a stop is carried out, and ends with 3, though nobody reads stderr any more", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  const options = ["--grace", "0s", ...scene.statusFile];
  const running = scene.exec(options, ["python3", "-c", PYTHON, file]);
  const pids = await familyIn(file, 1);
  running.process.stderr?.destroy();
  running.process.stdout?.destroy();
  await scene.client.revoke(DEVICE);
  expect(await running.finished).toMatchObject({ code: 3 });
  expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(scene.status()).toMatchObject({ state: "denied", exit_code: 3 });
});

test("a program ends at the next check where there are no leases", async () => {
  await using authority = await startScriptedAuthority();
  await using scene = await execScene(authority.url);
  const file = scene.file("pids");
  const options = ["--grace", "0s", "--verbose", ...scene.statusFile];
  const running = scene.exec(options, ["python3", "-c", PYTHON, file]);
  const pids = await familyIn(file, 1);
  await authority.become("revoked");
  const { code, stderr } = await running.finished;
  expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(code).toBe(3);
  expect(stderr).toMatch(/by strict checks, every 50 ms/);
  expect(stderr).toMatch(/denied, DEVICE_REVOKED \(request .*is ended/);
});

test("a program ends when the authority is gone", async () => {
  await using authority = await startScriptedAuthority();
  await using scene = await execScene(authority.url);
  const file = scene.file("pids");
  const running = scene.exec(
    ["--grace", "0s", ...scene.statusFile],
    ["python3", "-c", PYTHON, file],
  );
  const pids = await familyIn(file, 1);
  await authority.become("down");
  const { code, stderr } = await running.finished;
  expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(code).toBe(4);
  expect(stderr).toMatch(/unavailable, AUTHORITY_UNREACHABLE/);
  expect(scene.status()).toMatchObject({ state: "unavailable", exit_code: 4 });
});
