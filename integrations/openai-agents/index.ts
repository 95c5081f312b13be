export { guardAgent } from "./agent.ts";
export type { GuardAgentOptions } from "./agent.ts";
export { guardModel, guardModelProvider } from "./model.ts";
export { ToolRefusedError } from "../shared/tool-refused-error.ts";
export { guardRun, guardRunner } from "./run.ts";
export type { GuardRunOptions } from "./run.ts";
export { guardTool, guardTools } from "./tool.ts";
export type { GuardToolsOptions } from "./tool.ts";
