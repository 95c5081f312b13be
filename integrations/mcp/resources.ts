import { ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { ReadResourceResult } from "@modelcontextprotocol/sdk/types.js";
import type { GuardClient } from "../../src/index.ts";
import { listDevices, readUsage } from "./authority.ts";
import { completeDeviceId } from "./completion.ts";
import { withProtocolErrors, resourceNotFound } from "./failure.ts";
import {
  DEVICE_URI_TEMPLATE,
  deviceUri,
  DEVICES_URI,
  readResourceUri,
  USAGE_URI,
} from "./resource-uri.ts";

const JSON_TYPE = "application/json";

/** Adds the resources: the devices, one device, and the usage. */
export function addResources(server: McpServer, client: GuardClient): void {
  const read = async (
    { href }: URL,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ReadResourceResult> => {
    const content = await withProtocolErrors(readContent(client, href, signal));
    return { contents: [{ uri: href, mimeType: JSON_TYPE, text: JSON.stringify(content) }] };
  };

  server.registerResource(
    "devices",
    DEVICES_URI,
    {
      title: "Devices",
      description:
        "All devices of the org: id, whether it is revoked, when it was registered and when it last asked for a decision. Subscribers are told when a device is registered, revoked, restored or removed; a check alone is no change.",
      mimeType: JSON_TYPE,
    },
    read,
  );

  server.registerResource(
    "device",
    // Devices can be many: machineid://devices names them all.
    new ResourceTemplate(DEVICE_URI_TEMPLATE, {
      list: undefined,
      complete: { id: (value) => completeDeviceId(client, value) },
    }),
    {
      title: "A device",
      description:
        "One device, by its percent-encoded id. Subscribers are told when it is revoked, restored, removed or registered again; a check alone is no change.",
      mimeType: JSON_TYPE,
    },
    (uri, _variables, extra) => read(uri, extra),
  );

  server.registerResource(
    "usage",
    USAGE_URI,
    {
      title: "Usage",
      description:
        "The org's plan: its tier and state, how many devices it allows and how many are in use.",
      mimeType: JSON_TYPE,
    },
    read,
  );
}

async function readContent(
  client: GuardClient,
  uri: string,
  signal: AbortSignal,
): Promise<unknown> {
  const name = readResourceUri(uri);
  if (name === undefined) throw resourceNotFound(uri);
  if (name.kind === "usage") return readUsage(client, { signal });
  const devices = await listDevices(client, { signal });
  if (name.kind === "devices") {
    const listed = devices.map((device) => ({ ...device, uri: deviceUri(device.deviceId) }));
    return { devices: listed, total: listed.length };
  }
  const device = devices.find(({ deviceId }) => deviceId === name.deviceId);
  if (device === undefined) throw resourceNotFound(uri);
  return device;
}
