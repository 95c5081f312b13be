import { defineCommand } from "citty";
import { COMMON_ARGUMENTS } from "../arguments.ts";
import type { ExitCode } from "../exit-code.ts";

/** `machineid demo`: an authority, three agents, one revoke. */
export const command = defineCommand({
  meta: { name: "demo", description: "Watch agents being stopped from outside; needs no API key" },
  args: COMMON_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const { runDemo } = await import("../demo/demo.ts");
    return runDemo({ json: args.json === true });
  },
});
