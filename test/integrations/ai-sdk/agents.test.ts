import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { guardAgent } from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError, InvalidArgumentError } from "../../../src/index.ts";
import type { Guard } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { tools } from "./sample-calls.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import type { Turn } from "./fake-models.ts";
import { errorOf } from "./surfaces.ts";
import { sdks } from "./versions.ts";
import type { CallOptions, Sdk } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

let authority: ScriptedAuthority;
let guard: Guard;
let entered: string[];
const enter = (body: string): void => {
  entered.push(body);
};

beforeEach(async () => {
  authority = await startScriptedAuthority();
  guard = createGuard(authority.client(), { deviceId: "agent-01" });
  entered = [];
});
afterEach(() => authority.close());

const ONE_TOOL: readonly Turn[] = [{ calls: ["a"] }, { text: "done" }];

function options(sdk: Sdk, script: readonly Turn[] = ONE_TOOL): CallOptions {
  return {
    model: fakeLanguageModel(sdk.version, script, enter),
    tools: tools({ sdk, guard, enter, variant: "plain" }),
    stopWhen: sdk.stopAfter(5),
    prompt: "begin",
    onError: () => undefined,
  };
}

const model = ({ version }: Sdk, name = "model"): object =>
  fakeLanguageModel(version, ONE_TOOL, enter, name);

describe.each(sdks)("an agent of ai $version", (sdk) => {
  test("guarded twice asks once", async () => {
    const { prompt, ...settings } = options(sdk);
    const agent = guardAgent(guard, guardAgent(guard, new sdk.Agent(settings)));
    await agent.generate({ prompt });
    expect(authority.validations).toBe(3);
  });

  test.each(["generate", "stream"] as const)("%s: two guards both ask", async (method) => {
    await using other = await startScriptedAuthority();
    const second = createGuard(other.client(), { deviceId: "agent-02" });
    const turn = async (): Promise<unknown> => {
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, guardAgent(second, new sdk.Agent(settings)));
      const result = (await guardAgent(guard, agent)[method]({ prompt })) as { text: unknown };
      return result.text;
    };
    expect(await turn()).toBe("done");
    expect([authority.validations, other.validations]).toEqual([3, 3]);
    entered = [];
    for (const [refusing, allowing] of [
      [authority, other],
      [other, authority],
    ] as const) {
      await refusing.become("revoked");
      await allowing.become("allow");
      expect(await errorOf(turn)).toBeInstanceOf(ExecutionDeniedError);
    }
    expect(entered).toEqual([]);
  });

  test("keeps what a class that extends it writes during a turn", async () => {
    class Counting extends sdk.Agent {
      turns = 0;
      override generate(given: CallOptions): unknown {
        this.turns += 1;
        return super.generate(given);
      }
    }
    const { prompt, ...settings } = options(sdk);
    const agent = guardAgent(guard, new Counting(settings));
    await agent.generate({ prompt });
    await agent.generate({ prompt });
    expect(agent.turns).toBe(2);
  });

  test("writes no gate into the agent when a turn writes back what it read", async () => {
    class Rewriting extends sdk.Agent {
      declare settings: CallOptions;
      override generate(given: CallOptions): unknown {
        const { model: read } = this.settings;
        this.settings["model"] = read;
        return super.generate(given);
      }
    }
    const { prompt, ...settings } = options(sdk);
    const { model: given } = settings;
    const original = new Rewriting(settings);
    await guardAgent(guard, original).generate({ prompt });
    expect(original.settings["model"]).toBe(given);
  });

  test("with a model id is refused", () => {
    const agent = new sdk.Agent({ model: "provider/model" });
    expect(() => guardAgent(guard, agent)).toThrow(InvalidArgumentError);
  });

  test.skipIf(sdk.version === 5)("answers a chat, and breaks off when it is stopped", async () => {
    const { prompt: _, ...settings } = options(sdk);
    const uiMessages = [{ id: "1", role: "user", parts: [{ type: "text", text: "begin" }] }];
    const answer = async (): Promise<Response> => {
      const agent = guardAgent(guard, new sdk.Agent({ ...settings, model: model(sdk) }));
      return (await sdk.createAgentUIStreamResponse({ agent, uiMessages })) as Response;
    };
    expect(await (await answer()).text()).toContain("[DONE]");
    authority.onValidation = (count) => authority.become(count === 5 ? "revoked" : "allow");
    const error = await errorOf(async () => (await answer()).text());
    expect(error).toBeInstanceOf(ExecutionDeniedError);
    expect(entered).toEqual(["model", "a", "model", "model"]);
  });

  describe("of a revoked device", () => {
    beforeEach(() => authority.become("revoked"));

    test("a model or tools in a turn's own options are gated", async () => {
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, new sdk.Agent(settings));
      const turn = { prompt, model: model(sdk, "another"), tools: settings["tools"] };
      expect(await errorOf(() => agent.generate(turn))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test.skipIf(sdk.version === 5)("what prepareCall puts in place is gated", async () => {
      const { prompt, ...settings } = options(sdk);
      const prepareCall = (turn: CallOptions): CallOptions => ({
        ...turn,
        model: model(sdk, "another"),
      });
      const agent = guardAgent(guard, new sdk.Agent({ ...settings, prepareCall }));
      expect(await errorOf(() => agent.generate({ prompt }))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test.skipIf(sdk.version === 5)(
      "what prepareCall changes in place, answering with nothing, is gated",
      async () => {
        const { prompt, ...settings } = options(sdk);
        const prepareCall = (turn: CallOptions): void => {
          turn["model"] = model(sdk, "another");
        };
        const agent = guardAgent(guard, new sdk.Agent({ ...settings, prepareCall }));
        expect(await errorOf(() => agent.generate({ prompt }))).toBeInstanceOf(
          ExecutionDeniedError,
        );
        expect(entered).toEqual([]);
      },
    );

    test("a model that a turn puts into the agent's settings is gated", async () => {
      class Switching extends sdk.Agent {
        declare settings: CallOptions;
        override generate(given: CallOptions): unknown {
          this.settings["model"] = model(sdk, "another");
          return super.generate(given);
        }
      }
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, new Switching(settings));
      expect(await errorOf(() => agent.generate({ prompt }))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    describe.each(["generate", "stream"] as const)("what a turn hands to super.%s", (turn) => {
      test.each<[string, (given: CallOptions) => CallOptions]>([
        ["a model", (given) => ({ ...given, model: model(sdk, "another") })],
        ["nothing but a model", ({ prompt }) => ({ prompt, model: model(sdk, "another") })],
      ])("is gated: %s", async (_case, handed) => {
        class Switching extends sdk.Agent {
          override generate(given: CallOptions): unknown {
            return super[turn](handed(given));
          }
        }
        class Further extends Switching {}
        const { prompt, ...settings } = options(sdk);
        for (const Switched of [Switching, Further]) {
          const agent = guardAgent(guard, new Switched(settings));
          const ended = async (): Promise<unknown> =>
            ((await agent.generate({ prompt })) as { text: unknown }).text;
          expect(await errorOf(ended)).toBeInstanceOf(ExecutionDeniedError);
        }
        expect(entered).toEqual([]);
      });

      test("is gated: tools", async () => {
        class Switching extends sdk.Agent {
          override generate(given: CallOptions): unknown {
            return super[turn]({ ...given, tools: { a: tools(world)["a"] } });
          }
        }
        const world = { sdk, guard, enter, variant: "plain" } as const;
        const { prompt, ...settings } = options(sdk);
        await authority.become("allow");
        authority.onValidation = (count) => (count === 2 ? authority.become("revoked") : undefined);
        const agent = guardAgent(guard, new Switching(settings));
        const ended = async (): Promise<unknown> =>
          ((await agent.generate({ prompt })) as { text: unknown }).text;
        expect(await errorOf(ended)).toBeInstanceOf(ExecutionDeniedError);
        expect(entered).toEqual(["model"]);
      });
    });

    test("an agent of the same class that is not guarded stays as it is", async () => {
      class Passing extends sdk.Agent {
        override generate(given: CallOptions): unknown {
          return super.generate({ ...given });
        }
      }
      const { prompt, ...settings } = options(sdk);
      guardAgent(guard, new Passing(settings));
      await new Passing(settings).generate({ prompt });
      expect(entered).toEqual(["model", "a", "model"]);
      expect(authority.validations).toBe(0);
    });

    test("an agent whose turn uses #private members begins nothing", async () => {
      class Counting extends sdk.Agent {
        #turns = 0;
        override generate(given: CallOptions): unknown {
          this.#turns += 1;
          return super.generate({ ...given, maxRetries: this.#turns });
        }
      }
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, new Counting(settings));
      expect(await errorOf(() => agent.generate({ prompt }))).toBeInstanceOf(TypeError);
      expect(entered).toEqual([]);
    });

    test("a model that an accessor of the agent gives away is gated", async () => {
      class Giving extends sdk.Agent {
        declare settings: CallOptions;
        get brain(): unknown {
          return this.settings["model"];
        }
        override generate(given: CallOptions): unknown {
          return super.generate({ ...given, model: this.brain });
        }
      }
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, new Giving(settings));
      expect(await errorOf(() => agent.generate({ prompt }))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test("a clone of the guarded agent is gated", async () => {
      const { prompt, ...settings } = options(sdk);
      const agent = guardAgent(guard, new sdk.Agent(settings));
      const clone = Object.assign(Object.create(Object.getPrototypeOf(agent)), agent);
      expect(await errorOf(() => clone.generate({ prompt }))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test("tools taken from the agent are gated", async () => {
      const { prompt: _, ...settings } = options(sdk);
      const agent = guardAgent(guard, new sdk.Agent(settings));
      const { a } = Reflect.get(agent, "tools") as { a: { execute: () => unknown } };
      expect(await errorOf(() => a.execute())).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test("a method of a class that extends an agent calls the gated methods", async () => {
      class Asking extends sdk.Agent {
        ask(prompt: string): unknown {
          return this.generate({ prompt });
        }
      }
      const { prompt: _, ...settings } = options(sdk);
      const agent = guardAgent(guard, new Asking(settings));
      expect(await errorOf(() => agent.ask("x"))).toBeInstanceOf(ExecutionDeniedError);
      expect(entered).toEqual([]);
    });

    test("an agent that could pass by the gate is refused", () => {
      class Asking extends sdk.Agent {
        ask = (): unknown => this.generate({ prompt: "x" });
      }
      const { prompt: _, ...settings } = options(sdk);
      expect(() => guardAgent(guard, new Asking(settings))).toThrow(InvalidArgumentError);
      expect(() => guardAgent(guard, { generate: enter, stream: enter })).toThrow(
        InvalidArgumentError,
      );
    });
  });
});
