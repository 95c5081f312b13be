// oxlint-disable no-underscore-dangle -- LangChain's own names
import { CallbackManager } from "@langchain/core/callbacks/manager";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Runnable,
  RunnableBranch,
  RunnableLambda,
  RunnableParallel,
} from "@langchain/core/runnables";
import { z } from "zod";
import type { Way, Ways } from "./gates.ts";
import { drain } from "./scene.ts";
import type { Scene } from "./scene.ts";

type Text = Runnable<string, string>;

function step(scene: Scene, name: string): RunnableLambda<string, string> {
  return RunnableLambda.from(async (text: string) => {
    await scene.enter(name);
    return `${text} ${name}`;
  });
}

const chain = (scene: Scene): Text => step(scene, "first").pipe(step(scene, "second"));

type Use = (guarded: Text, config: RunnableConfig) => Promise<unknown>;

/** A chain made by `make`, guarded, and used. */
function way(use: Use, make: (scene: Scene) => Text = chain): Way {
  return {
    bodies: ["first", "second"],
    call: (gates, scene, signal) =>
      use(gates.runnable(make(scene)), signal === undefined ? {} : { signal }),
  };
}

const invoke: Use = (guarded, config) => guarded.invoke("in", config);
const stream: Use = (guarded, config) => drain(guarded.stream("in", config));

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

/** As the chains of earlier versions are: `call` is another name of `invoke`. */
class OldChain extends Runnable<string, string> {
  lc_namespace = ["test"];
  readonly step: Text;

  constructor(step: Text) {
    super();
    this.step = step;
  }

  override invoke(text: string, config?: RunnableConfig): Promise<string> {
    return this.step.invoke(text, config);
  }

  call(text: string): Promise<string> {
    return this.invoke(text);
  }
}

/** Of which LangChain reports nothing. */
class Step extends Runnable<string, string> {
  lc_namespace = ["test"];
  readonly scene: Scene;

  constructor(scene: Scene) {
    super();
    this.scene = scene;
  }

  override async invoke(text: string, _config?: RunnableConfig): Promise<string> {
    await this.scene.enter("first");
    return text;
  }
}

/** Goes on whatever happens inside. */
function swallowing(scene: Scene): Text {
  const first = step(scene, "first");
  const second = step(scene, "second");
  return RunnableLambda.from(async (text: string, config: RunnableConfig) => {
    const done = await first.invoke(text, config);
    return second.invoke(done, config).catch(() => "swallowed");
  });
}

const withoutConfig = (scene: Scene): Text => {
  const inner = chain(scene);
  return RunnableLambda.from(async (text: string) => inner.invoke(text));
};

const parallel = (scene: Scene): Text =>
  step(scene, "first")
    .pipe(RunnableParallel.from({ left: step(scene, "second"), right: step(scene, "third") }))
    .pipe(RunnableLambda.from(({ left, right }: { left: string; right: string }) => left + right));

export const runnableWays: Ways = {
  guardRunnable: {
    invoke: way(invoke),
    "invoke, callbacks: []": way((guarded, config) =>
      guarded.invoke("in", { ...config, callbacks: [] }),
    ),
    "invoke, callbacks: a manager": way((guarded, config) =>
      guarded.invoke("in", { ...config, callbacks: new CallbackManager() }),
    ),
    stream: way(stream),
    batch: way((guarded, config) => guarded.batch(["in"], config)),
    "batch of two": {
      ...way((guarded, config) => guarded.batch(["in", "in"], [config, config])),
      bodies: ["first", "first", "second", "second"],
      isParallel: true,
    },
    "batch, returnExceptions": way((guarded, config) =>
      guarded.batch(["in"], [config], { returnExceptions: true }),
    ),
    "streamEvents v1": way((guarded, config) =>
      drain(guarded.streamEvents("in", { ...config, version: "v1" })),
    ),
    "streamEvents v2": way((guarded, config) =>
      drain(guarded.streamEvents("in", { ...config, version: "v2" })),
    ),
    streamLog: way((guarded, config) => drain(guarded.streamLog("in", config))),
    transform: way((guarded, config) => drain(guarded.transform(once("in"), config))),
    _streamIterator: way((guarded, config) => drain(guarded._streamIterator("in", config))),
    "func of a lambda": {
      bodies: ["first"],
      call: (gates, scene) =>
        Promise.resolve(Reflect.get(gates.runnable(step(scene, "first")), "func")("in", {})),
    },
    "withConfig, invoke": way((guarded, config) =>
      guarded.withConfig({ callbacks: [] }).invoke("in", config),
    ),
    "withRetry, invoke": way((guarded, config) =>
      guarded.withRetry({ stopAfterAttempt: 2 }).invoke("in", config),
    ),
    "withFallbacks, invoke": way(async (guarded, config) =>
      guarded.withFallbacks([RunnableLambda.from(() => "fallback")]).invoke("in", config),
    ),
    "asTool, invoke": way((guarded, config) =>
      guarded.asTool({ name: "t", schema: z.string() }).invoke("in", config),
    ),
    "call of a chain in the old style": {
      bodies: ["first"],
      call: (gates, scene) => gates.runnable(new OldChain(step(scene, "first"))).call("in"),
    },
    "a step of another chain": way((guarded, config) =>
      RunnableLambda.from((text: string) => text)
        .pipe(guarded)
        .invoke("in", config),
    ),
    "a copy made from its fields": {
      bodies: ["first"],
      call: (gates, scene) => {
        const { lc_kwargs: fields } = gates.runnable(step(scene, "first"));
        return Reflect.construct(RunnableLambda, [fields]).invoke("in");
      },
    },
    "a branch read from it": {
      bodies: ["first"],
      call: (gates, scene) => {
        const branch = RunnableBranch.from([[() => true, step(scene, "first")], step(scene, "no")]);
        const [first] = gates.runnable(branch).branches;
        return Promise.resolve(first?.[1].invoke("in"));
      },
    },
    "a clone made with its prototype": {
      bodies: ["first"],
      call: (gates, scene, signal) => {
        const guarded = gates.runnable(new Step(scene));
        const clone: Step = Object.create(Object.getPrototypeOf(guarded));
        return Object.assign(clone, guarded).invoke("in", signal === undefined ? {} : { signal });
      },
    },
    "retry inside": way(invoke, (scene) =>
      step(scene, "first").pipe(step(scene, "second").withRetry({ stopAfterAttempt: 2 })),
    ),
    "fallback inside": way(invoke, (scene) =>
      step(scene, "first").pipe(step(scene, "second").withFallbacks([step(scene, "fallback")])),
    ),
    "swallowed inside": way(invoke, swallowing),
    "nested call without config": way(invoke, withoutConfig),
    "parallel branches": {
      ...way(invoke, parallel),
      bodies: ["first", "second", "third"],
    },
    "parallel branches, stream": {
      ...way(stream, parallel),
      bodies: ["first", "second", "third"],
    },
  },
};
