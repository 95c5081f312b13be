import { createGuard, MachineID } from "../../src/index.ts";
import { sharedNow } from "./authority-calls.ts";
import { serveParent } from "./process.ts";

/* A guard with a tool that runs until its signal aborts. */

/** `run` is answered once the tool runs, `aborted` with when its signal fired. */
export type StoppedGuardOrder = "run" | "aborted";

const [port = "", orgKey = "", deviceId = ""] = process.argv.slice(2);
const client = new MachineID({ orgKey, baseUrl: `http://127.0.0.1:${port}` });
const guard = createGuard(client, { deviceId, enforcement: "lease", onEvent: () => undefined });
await guard.start();

let aborted = Promise.resolve(0);

/** Begins as soon as the device is allowed again. */
async function run(): Promise<void> {
  for (;;) {
    const began = Promise.withResolvers<void>();
    const fired = Promise.withResolvers<number>();
    const work = guard.protect({ kind: "tool", name: "bench" }, async (signal) => {
      signal.addEventListener("abort", () => fired.resolve(sharedNow()));
      began.resolve();
      await fired.promise;
    });
    const isRunning = await Promise.race([
      began.promise.then(() => true),
      work.then(
        () => false,
        () => false,
      ),
    ]);
    if (isRunning) {
      aborted = fired.promise;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

await serveParent(async (order: StoppedGuardOrder) => {
  if (order === "aborted") return { atMs: await aborted };
  await run();
  return {};
});
await guard.close();
process.exit(0);
