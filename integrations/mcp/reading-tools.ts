import * as z from "zod";
import { createGuard, ExecutionDeniedError } from "../../src/index.ts";
import { deviceShape, listDevices, readUsage, usageShape } from "./authority.ts";
import { meaningOf, ToolFailure } from "./failure.ts";
import { addTool, deviceInput } from "./tool.ts";
import type { ToolContext } from "./tool.ts";

const READING = { readOnlyHint: true, destructiveHint: false, idempotentHint: true } as const;

/** Deadline of a decision that a person is waiting for, in milliseconds. */
const CHECK_TIMEOUT_MS = 10_000;
const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;

/** Adds the tools that change nothing. */
export function addReadingTools(context: ToolContext): void {
  const { client } = context;

  addTool(
    context,
    "validate_device",
    {
      title: "Validate a device",
      description:
        "Asks the authority whether a device may work right now. Use it before you start work on behalf of a device, and to see why an agent stopped: allowed false is an answer, and code says why (DEVICE_REVOKED, DEVICE_NOT_REGISTERED, PLAN_FROZEN, …). An error means that there is no decision; treat it as denied.",
      input: deviceInput,
      output: {
        deviceId: z.string(),
        allowed: z.boolean().describe("Whether the device may begin work now"),
        code: z.string().describe("ALLOW, or the reason of the denial"),
        requestId: z.string().nullable().describe("For logs and support"),
      },
      annotations: READING,
    },
    async ({ deviceId }, { signal }) => {
      const options = { deviceId, register: false, checkTimeoutMs: CHECK_TIMEOUT_MS };
      try {
        const { code, requestId } = await createGuard(client, options).check(
          { kind: "tool", name: "validate_device" },
          { signal },
        );
        return { deviceId, allowed: true, code, requestId: requestId ?? null };
      } catch (error) {
        if (!ExecutionDeniedError.isInstance(error)) throw error;
        const { code, requestId } = error;
        return { deviceId, allowed: false, code, requestId: requestId ?? null };
      }
    },
  );

  addTool(
    context,
    "list_devices",
    {
      title: "List devices",
      description:
        "Lists the org's devices, in the order of their registration. Narrow a long list with contains and revoked. total counts what matches; when it is more than the devices shown, ask again with offset.",
      input: {
        contains: z.string().max(256).optional().describe("Only ids that contain this text"),
        revoked: z.boolean().optional().describe("true: only revoked ones; false: only the others"),
        offset: z.int().min(0).default(0).describe("How many matching devices to skip"),
        limit: z.int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
      },
      output: {
        devices: z.array(z.object(deviceShape)),
        total: z.int().describe("How many devices match"),
      },
      annotations: READING,
    },
    async ({ contains, revoked, offset, limit }, { signal }) => {
      const matching = (await listDevices(client, { signal })).filter(
        (device) =>
          (contains === undefined || device.deviceId.includes(contains)) &&
          (revoked === undefined || device.revoked === revoked),
      );
      return { devices: matching.slice(offset, offset + limit), total: matching.length };
    },
  );

  addTool(
    context,
    "get_device",
    {
      title: "Get a device",
      description:
        "Shows one device: whether it is revoked, when it was registered and when it last asked for a decision. Asks for no decision itself; validate_device does.",
      input: deviceInput,
      output: deviceShape,
      annotations: READING,
    },
    async ({ deviceId }, { signal }) => {
      const devices = await listDevices(client, { signal });
      const device = devices.find((candidate) => candidate.deviceId === deviceId);
      if (device !== undefined) return device;
      throw new ToolFailure("DEVICE_NOT_FOUND", meaningOf("DEVICE_NOT_FOUND"));
    },
  );

  addTool(
    context,
    "get_usage",
    {
      title: "Get the usage",
      description:
        "Shows the org's plan: its tier and state, how many devices it allows and how many are in use. Use it when a registration is refused with DEVICE_LIMIT_REACHED, or a check with PLAN_FROZEN or PLAN_NOT_ACTIVE.",
      input: {},
      output: usageShape,
      annotations: READING,
    },
    async (_input, { signal }) => readUsage(client, { signal }),
  );
}
