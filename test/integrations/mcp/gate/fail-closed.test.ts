import { describe, expect, test } from "vitest";
import type { GateOptions } from "../../../../integrations/mcp/index.ts";
import type { Message } from "../../../../integrations/mcp/gate/message.ts";
import { createGuard } from "../../../../src/index.ts";
import { startScriptedAuthority } from "../../../support/scripted-authority.ts";
import type { Mode, ScriptedAuthority } from "../../../support/scripted-authority.ts";
import { Bodies } from "./bodies.ts";
import { gates } from "./gates.ts";
import { RawClient } from "./raw-client.ts";
import { createServer, serverDoors } from "./servers.ts";

/** How long the authority may take, and how often calls in flight are asked about, in milliseconds. */
interface Pace {
  readonly checkTimeoutMs?: number;
  readonly recheckMs?: number;
}

interface Scene {
  readonly client: RawClient;
  readonly bodies: Bodies;
  readonly call: () => Promise<Message>;
}

const cases = Object.entries(gates).flatMap(([gate, { versions, putBehind }]) =>
  Object.entries(serverDoors).flatMap(([name, door]) =>
    door.versions
      .filter((version) => versions.includes(version))
      .map((version) => ({ gate, name, version, door, putBehind })),
  ),
);

async function withScene(
  authority: ScriptedAuthority,
  { version, door, putBehind }: (typeof cases)[number],
  { checkTimeoutMs = 10_000, recheckMs = 60_000 }: Pace,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const options: GateOptions = { resources: true, prompts: true, recheckMs };
  const guard = createGuard(authority.client(), {
    deviceId: "agent-01",
    register: false,
    checkTimeoutMs,
  });
  const bodies = new Bodies();
  const server = createServer(version);
  door.prepare(server, bodies);
  await using gated = await putBehind(guard, server, options);
  const client = new RawClient(gated.client);
  await client.open();
  door.change?.(server, bodies);
  await use({ client, bodies, call: () => door.call(client) });
  await client.close();
}

/** The fixed payload, wherever it is in an answer. */
function payloadOf({ result, error }: Message): unknown {
  if (error !== undefined) {
    const { code, message, data } = Object(error);
    return { code, message, data };
  }
  const { isError, content } = Object(result);
  return { isError, payload: JSON.parse(content[0].text), parts: content.length };
}

const refused = (name: string, code: string): unknown => {
  const data = { reason: "execution_denied", code, retryable: false };
  return name === "resources" || name === "prompts" || name === "tasks"
    ? { code: -32050, message: "Execution denied", data }
    : { isError: true, payload: data, parts: 1 };
};

const CODES: Readonly<Partial<Record<Mode, string>>> = {
  revoked: "DEVICE_REVOKED",
  down: "AUTHORITY_UNREACHABLE",
  hang: "AUTHORITY_TIMEOUT",
  nonsense: "AUTHORITY_MALFORMED",
};

describe.each(cases)("$gate, SDK $version: $name", (each) => {
  test("does its work when it is allowed", async () => {
    await using authority = await startScriptedAuthority();
    await withScene(authority, each, {}, async ({ bodies, call }) => {
      const { error, result } = await call();
      expect(error).toBeUndefined();
      expect(Object(result).isError).not.toBe(true);
      expect(bodies.entered).toEqual(["search"]);
    });
    // One for the call; a task's result is another.
    expect(authority.validations).toBe(each.name === "tasks" ? 2 : 1);
  });

  test.each<Mode>(["revoked", "down", "hang", "nonsense"])(
    "begins nothing when the authority is %s",
    async (mode) => {
      await using authority = await startScriptedAuthority(mode);
      const pace = mode === "hang" ? { checkTimeoutMs: 50 } : {};
      await withScene(authority, each, pace, async ({ bodies, call }) => {
        expect(payloadOf(await call())).toEqual(refused(each.name, CODES[mode] ?? ""));
        expect(bodies.entered).toEqual([]);
      });
    },
  );

  test("is cancelled and answered when the device is revoked during a call", async () => {
    await using authority = await startScriptedAuthority();
    await withScene(authority, each, { recheckMs: 5 }, async ({ bodies, call }) => {
      bodies.meanwhile = () => authority.become("revoked");
      expect(payloadOf(await call())).toEqual(refused(each.name, "DEVICE_REVOKED"));
      await bodies.until(({ cancelled }) => cancelled.length > 0);
      expect(payloadOf(await call())).toEqual(refused(each.name, "DEVICE_REVOKED"));
      expect(bodies).toMatchObject({ entered: ["search"], cancelled: ["search"] });
    });
  });
});
