import { StdioClientTransport as StdioOfV2 } from "@modelcontextprotocol/client/stdio";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGuard, ExecutionDeniedError, MachineID } from "../../../src/index.ts";
import { CLI, cleanEnv, startServe } from "../../cli/spawn.ts";
import type { Served } from "../../cli/spawn.ts";
import { connectAssistant, SDK_VERSIONS } from "./assistants.ts";
import type { Assistant, Person, SdkVersion } from "./assistants.ts";
import { connectHttp, startMcpHttp } from "./http-scene.ts";
import type { ServedMcp } from "./http-scene.ts";

let served: Served;
let mcp: ServedMcp;
let machineid: MachineID;

beforeAll(async () => {
  served = await startServe(":memory:");
  mcp = await startMcpHttp(served.url);
  machineid = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
});

type Connect = (version: SdkVersion, person?: Person) => Promise<Assistant>;

const overStdio: Connect = (version, person) => {
  const env = Object.entries(cleanEnv(served.env)).filter((entry) => entry[1] !== undefined);
  const server = {
    command: process.execPath,
    args: [CLI, "mcp"],
    env: Object.fromEntries(env) as Record<string, string>,
  };
  return connectAssistant(
    version,
    { v1: () => new StdioClientTransport(server), v2: () => new StdioOfV2(server) },
    person,
  );
};

const overHttp: Connect = (version, person) =>
  connectHttp(mcp.url, { authorization: `Bearer ${served.ownerKey}` }, { version, person });

const YES = { action: "accept", content: { consent: true } } as const;
const CASES = [
  ["stdio", overStdio],
  ["http", overHttp],
] as const;

describe.each(CASES)("over %s", (transport, connect) => {
  test.each(SDK_VERSIONS)(
    "an assistant with SDK %s finds the runaway, stops it, and restores it with a yes alone",
    async (version) => {
      const fleet = ["mailer:01", "mailer:02", "clerk:01"].map(
        (name) => `${transport}:${version}:${name}`,
      );
      const guards = fleet.map((deviceId) => createGuard(machineid, { deviceId }));
      const work = (index: number): Promise<string> =>
        guards[index]?.protect({ kind: "tool", name: "send_mail" }, () => "sent") ??
        Promise.reject(new Error("no such guard"));
      await Promise.all(guards.map((guard) => guard.start()));
      const runaway = fleet[1] ?? "";
      expect(await work(1)).toBe("sent");

      // It lists, and finds the one that works.
      await using alone = await connect(version);
      const list = await alone.call("list_devices", { contains: `${transport}:${version}:mailer` });
      const devices = list.structured?.["devices"] as { deviceId: string; lastCheckAt: string }[];
      expect(devices.map(({ deviceId }) => deviceId)).toEqual(fleet.slice(0, 2));
      expect(devices[1]?.lastCheckAt).toEqual(expect.any(String));

      // It revokes, and makes sure.
      expect(await alone.call("revoke_device", { deviceId: runaway })).toMatchObject({
        structured: { deviceId: runaway, changed: true },
      });
      expect(await alone.call("validate_device", { deviceId: runaway })).toMatchObject({
        structured: { allowed: false, code: "DEVICE_REVOKED" },
      });
      await expect(work(1)).rejects.toThrow(ExecutionDeniedError);
      expect(await work(0)).toBe("sent");
      const uri = `machineid://devices/${encodeURIComponent(runaway)}`;
      expect(await alone.readJson(uri)).toMatchObject({ revoked: true });

      // It cannot restore by itself, nor against a person's no.
      const restore = { deviceId: runaway };
      for (const tool of ["unrevoke_device", "remove_device"]) {
        expect((await alone.call(tool, restore)).text).toMatch(/^CONSENT_UNAVAILABLE: /);
      }
      await using declined = await connect(version, { action: "decline" });
      for (const tool of ["unrevoke_device", "remove_device"]) {
        expect((await declined.call(tool, restore)).text).toMatch(/^CONSENT_DECLINED: /);
      }
      expect(declined.questions).toHaveLength(2);
      await expect(work(1)).rejects.toThrow(ExecutionDeniedError);

      // With a yes it can.
      await using attended = await connect(version, YES);
      expect(await attended.call("unrevoke_device", restore)).toMatchObject({
        structured: { deviceId: runaway, changed: true },
      });
      expect(attended.questions).toEqual([expect.stringContaining(runaway)]);
      expect(await work(1)).toBe("sent");
      await Promise.all(guards.map((guard) => guard.close()));
    },
  );
});
