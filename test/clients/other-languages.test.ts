import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** A Python agent, fed one task at a time, answering with one line for each. */
function startAgent(env: Readonly<Record<string, string>>): {
  work(task: string): Promise<string>;
  next(): Promise<string>;
  exit: Promise<unknown[]>;
} {
  const agent = spawn("python3", [join(import.meta.dirname, "agent.py"), "py-agent"], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(agent.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  return {
    next,
    work: (task) => {
      agent.stdin.write(`${task}\n`);
      return next();
    },
    exit: once(agent, "exit"),
  };
}

test.skipIf(!hasPython)(
  "an agent in Python over plain HTTP works until it is revoked (needs python3)",
  async () => {
    await using authority = await startTestAuthority({ plan: "free" });
    const { url, ownerKey } = authority;
    const env = { MACHINEID_BASE_URL: url, MACHINEID_ORG_KEY: ownerKey };
    const agent = startAgent(env);
    expect(await agent.next()).toBe("registered free 3 1");
    expect(await agent.work("one")).toBe("worked on one");
    await new MachineID({ orgKey: ownerKey, baseUrl: url }).revoke("py-agent");
    expect(await agent.work("two")).toMatch(/^denied DEVICE_REVOKED [0-9a-f-]{36}$/);
    expect((await agent.exit)[0]).toBe(1);
    expect(await startAgent(env).next()).toMatch(/^register refused DEVICE_REVOKED /);
  },
);

test.skipIf(!hasCurl)("curl gets the decision and the documented fields (needs curl)", async () => {
  await using authority = await startTestAuthority();
  const curl = spawn("curl", [
    "--silent",
    "--request",
    "POST",
    `${authority.url}/api/v1/devices/validate`,
    "--header",
    `x-org-key: ${authority.ownerKey}`,
    "--header",
    "content-type: application/json",
    "--data",
    '{"deviceId":"never-registered"}',
  ]);
  const [body] = (await once(curl.stdout, "data")) as [Buffer];
  expect(JSON.parse(body.toString())).toMatchObject({
    allowed: false,
    code: "DEVICE_NOT_REGISTERED",
    handler: "devices/validate",
    deviceId: "never-registered",
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});
