import { defineCommand } from "citty";

/** `machineid hook`: gates for coding assistants, named in their settings. */
export const command = defineCommand({
  meta: { name: "hook", description: "Gate a coding assistant's tool calls from its hooks" },
  subCommands: {
    "claude-code": () => import("../hook/command.ts").then(({ command }) => command),
  },
});
