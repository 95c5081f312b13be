import assert from "node:assert/strict";
import { findExecutionStopped } from "machineid-io";
import type { Guard } from "machineid-io";
import { startTestAuthority } from "machineid-io/testing";

/** What a door is gone through with. `enter` is called first thing in every guarded body. */
export interface World {
  readonly guard: Guard;
  readonly enter: (body: string) => Promise<void>;
}

/** Goes through a door to its end, and fails with whatever surfaces. */
export type Door = (world: World) => Promise<unknown>;

interface Outcome {
  readonly error: unknown;
  readonly entered: readonly string[];
  /** Bodies that were entered after the device was revoked. */
  readonly late: readonly string[];
}

/** `revokedIn`: the number of the body in which the device is revoked, from 1; 0 is before all. */
async function play(door: Door, revokedIn?: number, isDown = false): Promise<Outcome> {
  await using authority = await startTestAuthority();
  const deviceId = "agent-01";
  const guard = authority.guard(deviceId);
  await guard.start();
  let isRevoked = false;
  const revoke = async (): Promise<void> => {
    await authority.client.revoke(deviceId);
    isRevoked = true;
  };
  if (revokedIn === 0) await revoke();
  if (isDown) await authority.close();
  const entered: string[] = [];
  const late: string[] = [];
  const enter = async (body: string): Promise<void> => {
    entered.push(body);
    if (isRevoked) late.push(body);
    else if (entered.length === revokedIn) await revoke();
  };
  const error = await door({ guard, enter }).then(
    () => undefined,
    (reason: unknown) => reason ?? new Error("rejected with nothing"),
  );
  return { error, entered, late };
}

/** Goes through every door with the device allowed, revoked and revoked on the way, and with no authority. */
export async function goThrough(doors: Readonly<Record<string, Door>>): Promise<void> {
  for (const [name, door] of Object.entries(doors)) {
    const allowed = await play(door);
    if (allowed.error !== undefined) throw allowed.error;
    assert.notDeepEqual(allowed.entered, [], `${name}: nothing was entered, though allowed`);

    const revoked = await play(door, 0);
    assert.deepEqual(revoked.entered, [], `${name}: entered, though revoked`);
    assert.equal(findExecutionStopped(revoked.error)?.code, "DEVICE_REVOKED", name);

    const down = await play(door, undefined, true);
    assert.deepEqual(down.entered, [], `${name}: entered without an authority`);
    assert.equal(findExecutionStopped(down.error)?.code, "AUTHORITY_UNREACHABLE", name);

    for (let body = 1; body < allowed.entered.length; body += 1) {
      const stopped = await play(door, body);
      assert.deepEqual(stopped.late, [], `${name}: entered after a stop in body ${body}`);
      assert.equal(findExecutionStopped(stopped.error)?.code, "DEVICE_REVOKED", name);
    }
    process.stdout.write(`     ${name}\n`);
  }
}

/** Reads a stream to its end. */
export async function drain(stream: unknown): Promise<void> {
  for await (const _ of (await stream) as AsyncIterable<unknown>);
}
