import { Agent, applyPatchTool, computerTool, shellTool } from "@openai/agents";
import type { AgentOutputItem } from "@openai/agents";
import { guardRun } from "../../../integrations/openai-agents/index.ts";
import { calls, options, says, scripted, withTool } from "./world.ts";
import type { Scenario } from "../shared/world.ts";

const patchCall: AgentOutputItem = {
  type: "apply_patch_call",
  callId: "call-1",
  status: "completed",
  operation: { type: "delete_file", path: "a.txt" },
};

const shellCall: AgentOutputItem = {
  type: "shell_call",
  callId: "call-1",
  status: "completed",
  action: { commands: ["ls"] },
};

const computerCall: AgentOutputItem = {
  type: "computer_call",
  callId: "call-1",
  status: "completed",
  action: { type: "screenshot" },
};

/** Tools that act on this machine, and those of an MCP server. */
export const toolScenarios: Readonly<Record<string, Scenario>> = {
  "guardRun: MCP server": async (world) => {
    const agent = new Agent({
      name: "worker",
      model: scripted(world, [calls("lookup", "call-1"), says("done")]),
      mcpServers: [
        {
          name: "files",
          cacheToolsList: false,
          connect: async () => undefined,
          close: async () => undefined,
          invalidateToolsCache: async () => undefined,
          listTools: async () => [
            {
              name: "lookup",
              inputSchema: {
                type: "object",
                properties: {},
                required: [],
                additionalProperties: false,
              },
            },
          ],
          callTool: async () => {
            await world.enter("lookup");
            return [{ type: "text", text: "found" }];
          },
        },
      ],
    });
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
  "guardRun: shell": async (world) => {
    const shell = {
      run: async () => {
        await world.enter("shell");
        return { output: [] };
      },
    };
    const agent = withTool(world, shellTool({ shell }), [shellCall]);
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
  "guardRun: apply_patch": async (world) => {
    const edit = async (): Promise<{ status: "completed" }> => {
      await world.enter("editor");
      return { status: "completed" };
    };
    const editor = { createFile: edit, updateFile: edit, deleteFile: edit };
    const agent = withTool(world, applyPatchTool({ editor }), [patchCall]);
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
  "guardRun: computer": async (world) => {
    const act = async (): Promise<void> => {
      await world.enter("computer");
    };
    const computer = {
      environment: "browser",
      dimensions: [1, 1],
      screenshot: async () => {
        await act();
        return "";
      },
      click: act,
      doubleClick: act,
      drag: act,
      keypress: act,
      move: act,
      scroll: act,
      type: act,
      wait: act,
    } as const;
    // Made anew for each run: what makes a computer is gated, and the computer it makes.
    const used = computerTool({ computer: async () => ({ ...computer, dimensions: [1, 1] }) });
    const agent = withTool(world, used, [computerCall]);
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
};
