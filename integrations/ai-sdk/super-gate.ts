import { InvalidArgumentError } from "../../src/index.ts";
import { isFunction, isObject } from "../shared/gated-view.ts";

type GateOptions = (options: object) => object;

/** What gates the options of the turns that go on, by what their methods are called on. */
const turns = new WeakMap<object, GateOptions>();
const gates = new WeakSet<object>();

const TURNS = ["generate", "stream"] as const;

/** Lets {@link gateSuper} gate what `turn` hands to the methods of the SDK's own class. */
export function gateTurnOptions(turn: object, gate: GateOptions): void {
  turns.set(turn, gate);
}

/**
 * Gates what a class that extends an agent hands to `super.generate` and
 * `super.stream`. Version 5 asks no method of the agent between the two, and
 * where `super` leads is written in the class, not in the agent: so a link goes
 * into the prototype chain, between the class and the SDK's. It does nothing to
 * agents that are not guarded.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for a class that is frozen
 */
export function gateSuper(agent: object): void {
  const chain: object[] = [agent];
  for (let type: object | null = agent; type !== null; type = Object.getPrototypeOf(type)) {
    if (type !== agent) chain.push(type);
  }
  const isTurnsOwner = (type: object): boolean => TURNS.every((name) => Object.hasOwn(type, name));
  const at = chain.findLastIndex(isTurnsOwner);
  const base = chain[at];
  const below = chain[at - 1];
  if (base === undefined || below === undefined || below === agent || gates.has(below)) return;
  const overrides = (type: object): boolean => TURNS.some((name) => Object.hasOwn(type, name));
  if (!chain.slice(0, at).some(overrides)) return;
  const gate = linkAbove(base);
  if (!Reflect.setPrototypeOf(below, gate)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "This agent's class is frozen, so what it hands to super cannot be gated. Guard its model and tools with guardModel and guardTools",
    );
  }
}

/** What stands between a class and `base`: its turns, with the options gated. */
function linkAbove(base: object): object {
  const link: object = Object.create(base);
  gates.add(link);
  for (const name of TURNS) {
    const turn = function (this: object, ...[options, ...others]: unknown[]): unknown {
      const method: unknown = Reflect.get(base, name);
      if (!isFunction(method)) throw new TypeError(`An agent has no ${name}`);
      const gate = turns.get(this);
      const gated = gate !== undefined && isObject(options) ? gate(options) : options;
      return Reflect.apply(method, this, [gated, ...others]);
    };
    Object.defineProperty(link, name, { value: turn, configurable: true, writable: true });
  }
  return link;
}
