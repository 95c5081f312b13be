import { defineCommand } from "citty";

/** `machineid org`: an org's own stop and policy, and the administrator's commands on orgs. */
export const command = defineCommand({
  meta: {
    name: "org",
    description: "Stop and resume an org; make, list and change orgs of your own authority",
  },
  subCommands: {
    create: () => import("./org/create.ts").then(({ command }) => command),
    list: () => import("./org/list.ts").then(({ command }) => command),
    show: () => import("./org/show.ts").then(({ command }) => command),
    stop: () => import("./org/stop.ts").then(({ command }) => command),
    resume: () => import("./org/resume.ts").then(({ command }) => command),
    policy: () => import("./org/policy.ts").then(({ command }) => command),
    plan: () => import("./org/plan.ts").then(({ command }) => command),
  },
});
