import { defineCommand } from "citty";

/** `machineid authority`: the administrator's commands on the authority itself. */
export const command = defineCommand({
  meta: { name: "authority", description: "Administer your own authority" },
  subCommands: {
    "rotate-admin-key": () =>
      import("./authority/rotate-admin-key.ts").then(({ command }) => command),
    "rotate-key": () => import("./authority/rotate-key.ts").then(({ command }) => command),
  },
});
