import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import { readInteger, readKeyFile } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS, findOrgKey, readTimeoutMs } from "../connection.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid drill`: how fast a stop works, measured. */
export const command = defineCommand({
  meta: {
    name: "drill",
    description: "Revoke a canary again and again, and measure how fast it obeys; then restore it",
  },
  args: {
    device: {
      type: "string",
      description: "Device id of the canary: one that nobody works under",
      valueHint: "CANARY",
      required: true,
    },
    count: { type: "string", description: "Rounds", default: "10", valueHint: "N" },
    "canary-key-file": {
      type: "string",
      description: "File that holds the canary's own key; it works under yours otherwise",
      valueHint: "FILE",
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const deviceId = checkDeviceId(args.device);
    const count = readInteger(args.count, "--count", 1, 100_000);
    const canaryKey = args["canary-key-file"];
    const client = connect(args);
    const { runDrill } = await import("../drill/drill.ts");
    return runDrill({
      client,
      canary: {
        deviceId,
        orgKey:
          (canaryKey === undefined ? findOrgKey(args["key-file"]) : readKeyFile(canaryKey)) ?? "",
        baseUrl: client.baseUrl,
        allowInsecureHttp: args["allow-insecure-http"] === true,
        timeoutMs: readTimeoutMs(args["timeout-ms"]),
      },
      count,
      json: args.json === true,
    });
  },
});
