import { expect, test } from "vitest";
import { untilStopped } from "../../../integrations/shared/until-stopped.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";

const BOUNDARY = { kind: "task" } as const;

test("rejects with the refusal at once, though the work never ends", async () => {
  const guard = recordingGuard();
  const run = guard.run();
  const waiting = untilStopped(run, new Promise(() => undefined));
  guard.deny();
  await expect(run.check(BOUNDARY)).rejects.toThrow("DEVICE_REVOKED");
  await expect(waiting).rejects.toBe(run.stopped);
});

test("rejects with the refusal, though the caller's own abort came first", async () => {
  const guard = recordingGuard();
  const controller = new AbortController();
  const run = guard.run({ signal: controller.signal });
  let finish: (value: string) => void = () => undefined;
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const waiting = untilStopped(run, work);
  const ended = new Promise((resolve) => run.signal.addEventListener("abort", resolve));
  run.check(BOUNDARY).catch(() => undefined);
  controller.abort(new Error("enough"));
  await ended;
  // The run's signal has aborted already, so nothing tells of the refusal but the run itself.
  while (run.stopped === undefined) await new Promise((resolve) => setImmediate(resolve));
  finish("done");
  await expect(waiting).rejects.toBe(run.stopped);
});

test("is the work's own result or error where the run is not stopped", async () => {
  const run = recordingGuard().run();
  await expect(untilStopped(run, Promise.resolve("done"))).resolves.toBe("done");
  await expect(untilStopped(run, Promise.reject(new Error("its own")))).rejects.toThrow("its own");
});
