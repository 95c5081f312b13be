import { RunnableLambda } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { expect, test, vi } from "vitest";
import {
  createGuardCallbackHandler,
  guardRunnable,
} from "../../../integrations/langchain/index.ts";
import { ExecutionDeniedError } from "../../../src/index.ts";
import { openScene } from "./scene.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

/** Whether LangChain hands configs on by itself, as it does once LangGraph is imported. */
const propagates = (): boolean =>
  AsyncLocalStorageProviderSingleton.runWithConfig(
    { tags: ["probe"] },
    () => AsyncLocalStorageProviderSingleton.getRunnableConfig() !== undefined,
  );

test("without LangGraph a nested call that is given no config is gated all the same", async () => {
  expect(propagates()).toBe(false);
  await using scene = await openScene();
  const inner = RunnableLambda.from(() => scene.enter("inner"));
  const outer = RunnableLambda.from(async (text: string) => {
    await scene.authority.become("revoked");
    return inner.invoke(text);
  });
  await expect(guardRunnable(scene.guard, outer).invoke("go")).rejects.toBeInstanceOf(
    ExecutionDeniedError,
  );
  await scene.authority.become("allow");
  const callbacks = [createGuardCallbackHandler(scene.guard)];
  await expect(outer.invoke("go", { callbacks })).rejects.toBeInstanceOf(ExecutionDeniedError);
  expect(scene.entered).toEqual([]);
});
