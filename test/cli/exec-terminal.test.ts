import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { DEVICE, execScene } from "./exec-fixture.ts";
import { CLI, cleanEnv } from "./spawn.ts";

/**
 * A terminal with `exec` in its foreground, as a shell would have it. It types
 * what it is told to, says what it sees, and whether its child was stopped.
 */
const TERMINAL = `
import fcntl, json, os, pty, re, signal, struct, sys, termios
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b""
everything = b""
def read():
    global seen, everything
    try:
        data = os.read(fd, 4096)
    except OSError:
        return False
    seen += data
    everything += data
    return data != b""
for step in steps:
    if step[0] == "see":
        while step[1].encode() not in seen and read(): pass
        assert step[1].encode() in seen, seen
        seen = seen[seen.index(step[1].encode()) + len(step[1]):]
    if step[0] == "type": os.write(fd, step[1].encode())
    if step[0] == "resize": fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *step[1], 0, 0))
    if step[0] == "stopped":
        assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
        child = int(open(step[1]).read())
        while not re.search(r"\\) T ", open(f"/proc/{child}/stat").read()): pass
    if step[0] == "unseen":
        while read(): pass
        assert step[1].encode() not in everything, everything
    if step[0] == "continue": os.kill(pid, signal.SIGCONT)
    if step[0] == "run": assert os.system(step[1]) == 0
while read(): pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const PROGRAM = `
import os, signal, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
signal.signal(signal.SIGWINCH, lambda *_: print("size", os.get_terminal_size(0).columns, flush=True))
print("terminal", os.isatty(0), flush=True)
try:
    while True: print("read", input(), flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
`;

type Step = readonly [string] | readonly [string, string] | readonly [string, readonly number[]];

async function inTerminal(
  scene: Awaited<ReturnType<typeof execScene>>,
  steps: readonly Step[],
): Promise<{ code: number | null; stderr: string }> {
  const exec = [CLI, "exec", "--device", DEVICE, "--recheck-ms", "50", "--"];
  const program = ["python3", "-c", PROGRAM, scene.file("pid")];
  const terminal = spawn(
    "python3",
    ["-c", TERMINAL, JSON.stringify(steps), process.execPath, ...exec, ...program],
    { env: cleanEnv(scene.env), stdio: ["ignore", "ignore", "pipe"] },
  );
  let stderr = "";
  terminal.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [code] = (await once(terminal, "close")) as [number | null];
  return { code, stderr };
}

const CTRL_C = "\u0003";
const CTRL_Z = "\u001A";

test("in a terminal a program reads what is typed, learns its size, and hears Ctrl-C", async () => {
  await using scene = await execScene();
  const steps: Step[] = [
    ["see", "terminal True"],
    ["type", "word\n"],
    ["see", "read word"],
    ["resize", [40, 123]],
    ["see", "size 123"],
    ["type", CTRL_C],
    ["see", "interrupted"],
  ];
  expect(await inTerminal(scene, steps)).toEqual({ code: 7, stderr: "" });
});

test("Ctrl-Z stops exec and program together, again and again, and both go on together", async () => {
  await using scene = await execScene();
  const steps: Step[] = [
    ["see", "terminal True"],
    ["type", CTRL_Z],
    ["stopped", scene.file("pid")],
    ["continue"],
    ["type", CTRL_Z],
    ["stopped", scene.file("pid")],
    ["continue"],
    ["type", "word\n"],
    ["see", "read word"],
    ["type", CTRL_C],
  ];
  expect(await inTerminal(scene, steps)).toEqual({ code: 7, stderr: "" });
});

test("a program whose device was revoked while it stood still does not go on", async () => {
  await using scene = await execScene();
  const revoke = [process.execPath, CLI, "revoke", DEVICE].map((word) => `'${word}'`).join(" ");
  const steps: Step[] = [
    ["see", "terminal True"],
    ["type", CTRL_Z],
    ["stopped", scene.file("pid")],
    ["run", `${revoke} > /dev/null`],
    ["type", "word\n"],
    ["continue"],
    ["see", "the program is ended"],
    ["unseen", "read word"],
  ];
  expect(await inTerminal(scene, steps)).toEqual({ code: 3, stderr: "" });
});
