import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { SignalRelay } from "../../src/cli/exec/signals.ts";
import type { SignalReceiver } from "../../src/cli/exec/signals.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import { execScene } from "./exec-fixture.ts";

const relays: SignalRelay[] = [];
afterEach(() => {
  for (const relay of relays.splice(0)) relay.close();
});

function relayTo(early: string[]): SignalRelay {
  const relay = new SignalRelay((name) => early.push(name));
  relays.push(relay);
  return relay;
}

function receiverOf(heard: string[]): SignalReceiver {
  return { signal: (name) => heard.push(name), suspend: () => heard.push("suspend") };
}

test("what is heard while a program is being started reaches it, in order", () => {
  const [early, heard]: [string[], string[]] = [[], []];
  const relay = relayTo(early);
  process.emit("SIGUSR2", "SIGUSR2");
  process.emit("SIGINT", "SIGINT");
  expect(early).toEqual(["SIGINT"]);
  relay.expect();
  process.emit("SIGTSTP", "SIGTSTP");
  process.emit("SIGUSR2", "SIGUSR2");
  process.emit("SIGINT", "SIGINT");
  relay.attach(receiverOf(heard));
  process.emit("SIGHUP", "SIGHUP");
  expect(heard).toEqual(["suspend", "SIGUSR2", "SIGINT", "SIGHUP"]);
  expect(early).toEqual(["SIGINT"]);
});

const stateOf = (pid: number | undefined): string =>
  /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";

test("Ctrl-Z before there is an answer stops exec, which can be continued", async () => {
  await using authority = await startScriptedAuthority("hang");
  await using scene = await execScene(authority.url);
  const running = scene.exec(["--timeout-ms", "60000"], ["touch", scene.file("began")]);
  while (authority.requests.length === 0) await delay(5);
  running.process.kill("SIGTSTP");
  while (stateOf(running.process.pid) !== "T") await delay(5);
  running.process.kill("SIGCONT");
  running.process.kill("SIGINT");
  expect(await running.finished).toMatchObject({ code: 130 });
});
