import { defineCommand } from "citty";
import { CONNECTION_ARGUMENTS, readTimeoutMs } from "../connection.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid doctor`: what is wrong, and the mend. */
export const command = defineCommand({
  meta: { name: "doctor", description: "Look at key, address, authority, clock and device" },
  args: {
    device: { type: "string", description: "Ask about this device, too", valueHint: "DEVICE" },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const timeoutMs = readTimeoutMs(args["timeout-ms"]);
    const { examine } = await import("../doctor/doctor.ts");
    return examine({
      keyFile: args["key-file"],
      database: args.db,
      device: args.device,
      timeoutMs,
      allowInsecureHttp: args["allow-insecure-http"] === true,
      json: args.json === true,
    });
  },
});
