import { defineCommand } from "citty";

/** `machineid org`: the administrator's commands on orgs. */
export const command = defineCommand({
  meta: { name: "org", description: "Make, list and change orgs of your own authority" },
  subCommands: {
    create: () => import("./org/create.ts").then(({ command }) => command),
    list: () => import("./org/list.ts").then(({ command }) => command),
    plan: () => import("./org/plan.ts").then(({ command }) => command),
  },
});
