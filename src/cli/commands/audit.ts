import { defineCommand } from "citty";

/** `machineid audit`: what was decided and changed in the org, by whom. */
export const command = defineCommand({
  meta: { name: "audit", description: "Read, export and verify the org's audit" },
  subCommands: {
    tail: () => import("./audit/tail.ts").then(({ command }) => command),
    export: () => import("./audit/export.ts").then(({ command }) => command),
    verify: () => import("./audit/verify.ts").then(({ command }) => command),
  },
});
