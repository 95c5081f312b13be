import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { guardCall } from "../../../integrations/ai-sdk/index.ts";
import { createGuard, ExecutionDeniedError } from "../../../src/index.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import type { ScriptedAuthority } from "../../support/scripted-authority.ts";
import { fakeLanguageModel } from "./fake-models.ts";
import { tools } from "./sample-calls.ts";
import { errorOf } from "./surfaces.ts";
import { sdks } from "./versions.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

let authority: ScriptedAuthority;
let server: Server;
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  authority = await startScriptedAuthority();
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await authority.close();
  await new Promise((resolve) => server.close(resolve));
});

async function fetchText(): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return (await fetch(`http://127.0.0.1:${port}`)).text();
}

type Result = { text: Promise<string> } & Record<string, (response: ServerResponse) => void>;

describe.each(sdks)("a stream of ai $version piped to a response", (sdk) => {
  test.each(["pipeTextStreamToResponse", "pipeUIMessageStreamToResponse"])("%s", async (pipe) => {
    const guard = createGuard(authority.client(), { deviceId: "agent-01" });
    const enter = (): void => undefined;
    const results: Result[] = [];
    answer = (response) => {
      const script = [{ calls: ["a"] }, { text: "done" }];
      const result = guardCall(
        guard,
        sdk.streamText,
      )({
        model: fakeLanguageModel(sdk.version, script, enter),
        tools: tools({ sdk, guard, enter, variant: "plain" }),
        stopWhen: sdk.stopAfter(3),
        prompt: "begin",
        onError: () => undefined,
      }) as Result;
      results.push(result);
      result[pipe]?.(response);
    };
    expect(await fetchText()).toContain("d");
    authority.onValidation = (count) => (count === 6 ? authority.become("revoked") : undefined);
    expect(await errorOf(fetchText)).toBeInstanceOf(TypeError);
    expect(await errorOf(() => results[1]?.text)).toBeInstanceOf(ExecutionDeniedError);
  });
});
