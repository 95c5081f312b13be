import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import { connect, CONNECTION_ARGUMENTS, readTimeoutMs } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { printJson } from "../output.ts";

/** `machineid canary DEVICE FILE`: the worker that `drill` starts. */
export const command = defineCommand({
  meta: { name: "canary", description: "The worker that drill starts", hidden: true },
  args: {
    device: { type: "positional", description: "Device id" },
    file: { type: "positional", description: "File for its side effects", required: true },
    strict: { type: "boolean", description: "Ask before every side effect" },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const { runCanary } = await import("../drill/canary.ts");
    await runCanary({
      client: connect(args),
      deviceId: checkDeviceId(args.device),
      checkTimeoutMs: readTimeoutMs(args["timeout-ms"]),
      isStrict: args.strict === true,
      file: args.file,
      say: printJson,
    });
    return EXIT.ok;
  },
});
