export const DEVICES_URI = "machineid://devices";
export const USAGE_URI = "machineid://usage";
export const DEVICE_URI_TEMPLATE = `${DEVICES_URI}/{id}`;

/** What a resource's URI stands for. */
export type ResourceName =
  | { readonly kind: "devices" }
  | { readonly kind: "usage" }
  | { readonly kind: "device"; readonly deviceId: string };

/** The URI of a device; its id is percent-encoded, slashes and colons included. */
export const deviceUri = (deviceId: string): string =>
  `${DEVICES_URI}/${encodeURIComponent(deviceId)}`;

const DEVICE_URI = /^machineid:\/\/devices\/([^/?#]+)$/;

/** Undefined for a URI of nothing that is here. */
export function readResourceUri(uri: string): ResourceName | undefined {
  if (uri === DEVICES_URI) return { kind: "devices" };
  if (uri === USAGE_URI) return { kind: "usage" };
  const encoded = DEVICE_URI.exec(uri)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return { kind: "device", deviceId: decodeURIComponent(encoded) };
  } catch {
    return undefined;
  }
}
