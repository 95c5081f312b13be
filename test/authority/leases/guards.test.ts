import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard, MachineID } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority } from "../../support/authority.ts";

const TOOL = { kind: "tool", name: "transfer" } as const;

describe("a guard under a lease of a real authority", () => {
  let authority: TestAuthority;
  let guard: Guard;
  let client: MachineID;

  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const listening = (): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (guard.status === "armed") resolve();
        else setTimeout(look, 5);
      };
      look();
    });

  beforeEach(async () => {
    authority = await startTestAuthority();
    client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
    guard = createGuard(client, { deviceId: "agent-1", enforcement: "lease" });
    await guard.start();
    await listening();
  });
  afterEach(async () => {
    await guard.close();
    await authority.close();
  });

  it("is aborted in flight by a revoke, which is answered when nothing runs any more", async () => {
    const began = Promise.withResolvers<void>();
    let stopped = false;
    const running = guard.protect(TOOL, async (signal) => {
      began.resolve();
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      stopped = true;
    });
    running.catch(() => undefined);
    await began.promise;
    const answer = await client.revoke("agent-1", { wait: "drained", waitTimeoutMs: 10_000 });
    expect(stopped).toBe(true);
    expect(answer).toMatchObject({
      changed: true,
      stop: { state: "drained", holders: 1, fenced: 1, drained: 1 },
    });
    await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
    expect(guard.status).toBe("stopped");
  });

  it("names the request that stopped it", async () => {
    const run = guard.run();
    const stopped = new Promise((resolve) => {
      run.signal.addEventListener("abort", resolve);
    });
    const { request_id: requestId } = await client.revoke("agent-1");
    await stopped;
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(run.stopped).toMatchObject({ code: "DEVICE_REVOKED", requestId });
  });

  it("is fenced, and not drained, while a tool ignores its signal", async () => {
    const began = Promise.withResolvers<void>();
    const ends = Promise.withResolvers<void>();
    const running = guard.protect(TOOL, async () => {
      began.resolve();
      await ends.promise;
    });
    running.catch(() => undefined);
    await began.promise;
    const fenced = await client.revoke("agent-1", { wait: "fenced" });
    expect(fenced).toMatchObject({ stop: { state: "fenced", fenced: 1, drained: 0 } });
    ends.resolve();
    const drained = await client.revoke("agent-1", { wait: "drained" });
    expect(drained).toMatchObject({ changed: false, stop: { state: "drained" } });
    const { version } = fenced as { version: number };
    const listed = await client.org.readStop(version);
    expect(listed).toMatchObject({ holders: [{ kind: "session", state: "drained" }] });
  });

  it("works again after it was restored", async () => {
    await client.revoke("agent-1", { wait: "fenced" });
    await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
    await client.unrevoke("agent-1");
    await listening();
    await guard.check(TOOL);
  });

  it("is stopped with its org, and by a batch", async () => {
    expect(await client.org.stop({ wait: "drained" })).toMatchObject({
      stop: { state: "drained", holders: 1, drained: 1 },
    });
    await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "ORG_DISABLED" });
    await client.org.resume();
    await listening();
    expect(await client.revokeBatch(["agent-1", "nobody"], { wait: "drained" })).toMatchObject({
      stop: { state: "drained", holders: 1, drained: 1 },
    });
  });

  it("a guard that let go of its device is waited for no more", async () => {
    await guard.close();
    const answer = await post("devices/revoke", { deviceId: "agent-1", wait: "fenced" });
    expect(answer.body["stop"]).toMatchObject({
      state: expect.stringMatching(/fenced|drained/) as string,
    });
  });
});
