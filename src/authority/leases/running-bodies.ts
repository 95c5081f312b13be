import type { RunningBodyNews, StopHolderAnswer } from "../../wire/index.ts";
import { MAX_RUNNING_NAMED, MAX_RUNNING_NAME_LENGTH } from "../../wire/lease-limits.ts";

/** Most that is kept of one holder, in UTF-16 units of ids, kinds and names. */
const MOST_UNITS = 1_000;

const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** A beginning of a text, as a copy: a part of a string would keep the whole of it in memory. */
const beginningOf = (text: string): string =>
  Buffer.from(
    text.slice(0, MAX_RUNNING_NAME_LENGTH).replaceAll(CONTROL_CHARACTERS, "\uFFFD"),
  ).toString();

/** What a session says that goes on, as it is kept: the first of it, with no control characters. */
export const readRunning = (said: readonly RunningBodyNews[]): readonly RunningBodyNews[] =>
  said.slice(0, MAX_RUNNING_NAMED).map(({ kind, name }) => ({
    kind: beginningOf(kind),
    ...(name === undefined ? {} : { name: beginningOf(name) }),
  }));

type Named = NonNullable<StopHolderAnswer["running"]>[number];

/** What goes on after a stop at one holder, by what it says. It is for people, and bounded. */
export class RunningBodies {
  #all: readonly Named[] = [];

  get all(): readonly Named[] {
    return this.#all;
  }

  /** This goes on of a device, in the place of what was said of it before. */
  say(device: string, bodies: readonly RunningBodyNews[]): void {
    const others = this.#all.filter((body) => body.device !== device);
    let units = others.reduce((sum, body) => sum + unitsOf(body), 0);
    const more: Named[] = [];
    for (const { kind, name } of bodies) {
      const body = { kind, ...(name === undefined ? {} : { name }), device };
      units += unitsOf(body);
      if (units > MOST_UNITS || others.length + more.length === MAX_RUNNING_NAMED) break;
      more.push(body);
    }
    this.#all = [...others, ...more];
  }
}

const unitsOf = ({ device, kind, name = "" }: Named): number =>
  device.length + kind.length + name.length;
