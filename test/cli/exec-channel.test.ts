import { expect, test } from "vitest";
import { DEVICE, execScene, PYTHON } from "./exec-fixture.ts";
import { FAMILY, familyIn, isAlive, untilWritten } from "./family.ts";

/** How far a revoke says that it has come. */
const revoke = async (
  scene: Awaited<ReturnType<typeof execScene>>,
  wait: "fenced" | "drained",
): Promise<unknown> => {
  const answer = await scene.client.revoke(DEVICE, { wait });
  return Reflect.get(Object(Reflect.get(answer, "stop")), "state");
};

test("a revoke that waits is answered drained when nothing of the program is left", async () => {
  await using scene = await execScene();
  const file = scene.file("pids");
  const options = ["--grace", "0s", "--recheck-ms", "60000"];
  const running = scene.exec(options, ["sh", "-c", FAMILY], { FILE: file });
  const pids = await familyIn(file);
  expect(await revoke(scene, "drained")).toBe("drained");
  expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(await running.finished).toMatchObject({ code: 3 });
});

test("a program that takes its time is fenced at once, and not drained", async () => {
  await using scene = await execScene();
  const program = `trap '' TERM; echo $$ >> "$FILE"; while :; do echo x >> "$FILE.ticks"; sleep 0.02; done`;
  const file = scene.file("pids");
  const options = ["--grace", "10m", "--recheck-ms", "60000"];
  const running = scene.exec(options, ["sh", "-c", program], { FILE: file });
  const [pid = 0] = await familyIn(file, 1);
  expect(await revoke(scene, "fenced")).toBe("fenced");
  await untilWritten(`${file}.ticks`);
  expect(isAlive(pid)).toBe(true);
  const drained = revoke(scene, "drained");
  process.kill(pid, "SIGKILL");
  expect(await drained).toBe("drained");
  expect(await running.finished).toMatchObject({ code: 3 });
});

test("a program that has ended by itself leaves no lease to wait for", async () => {
  await using scene = await execScene();
  expect(await scene.run([], ["true"])).toMatchObject({ code: 0 });
  const answer = await scene.client.revoke(DEVICE, { wait: "drained" });
  expect(answer).toMatchObject({ stop: { state: "drained", holders: 0 } });
});

test("a program whose exec was killed is never said to be drained", async () => {
  await using scene = await execScene(undefined, { leaseTtlMs: 500 });
  const file = scene.file("pids");
  const running = scene.exec([], ["python3", "-c", PYTHON, file]);
  await familyIn(file, 1);
  running.process.kill("SIGKILL");
  await running.finished;
  const answer = await scene.client.revoke(DEVICE, { wait: "fenced", waitTimeoutMs: 60_000 });
  expect(answer).toMatchObject({ stop: { state: "fenced", drained: 0 } });
});
