import { defineCommand } from "citty";

/** `machineid keys`: an org's keys, with an owner key. */
export const command = defineCommand({
  meta: { name: "keys", description: "Make, list, rotate and revoke the org's keys" },
  subCommands: {
    create: () => import("./keys/create.ts").then(({ command }) => command),
    list: () => import("./keys/list.ts").then(({ command }) => command),
    rotate: () => import("./keys/rotate.ts").then(({ command }) => command),
    revoke: () => import("./keys/revoke.ts").then(({ command }) => command),
  },
});
