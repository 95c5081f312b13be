export { guardAgent } from "./agent.ts";
export { guardCall } from "./call.ts";
export { guardMiddleware } from "./middleware.ts";
export type { GuardMiddleware } from "./middleware.ts";
export { guardModel } from "./model.ts";
export { ToolRefusedError } from "../shared/tool-refused-error.ts";
export { guardTool, guardTools } from "./tool.ts";
export type { GuardToolOptions, GuardToolsOptions } from "./tool.ts";
