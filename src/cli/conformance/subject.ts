import { randomUUID } from "node:crypto";
import { MachineID } from "../../client/index.ts";
import { ADMIN_KEY_HEADER, readDecision, readRegistration, ROUTES } from "../../wire/index.ts";
import type { Operation, Verdict } from "../../wire/index.ts";
import { Exchange } from "./exchange.ts";
import type { Ask, Heard } from "./exchange.ts";
import { NotOffered, seen, Violation } from "./rule.ts";

/** Where and as whom the contract is looked at. */
export interface SubjectOptions {
  /** The authority's address, without a slash at its end. */
  readonly url: string;
  readonly key: string;
  readonly adminKey: string | undefined;
  readonly timeoutMs: number;
}

/** An org of the kit's own, in which it may do as it likes. */
export interface OwnOrg {
  readonly orgId: string;
  readonly key: string;
}

/** The authority under test, and an account of everything that was made in it. */
export class Subject {
  readonly #exchange: Exchange;
  readonly #options: SubjectOptions;
  readonly #run = randomUUID().slice(0, 8);
  readonly #devices = new Map<string, Set<string>>();
  readonly #orgs = new Map<string, OwnOrg>();
  #made = 0;
  #features: Promise<readonly string[]> | undefined;

  constructor(options: SubjectOptions) {
    this.#options = options;
    this.#exchange = new Exchange(options.url, options.key, options.timeoutMs);
  }

  get hasAdmin(): boolean {
    return this.#options.adminKey !== undefined;
  }

  ask(ask: Ask): Promise<Heard> {
    return this.#exchange.ask(ask);
  }

  open(ask: Ask, signal: AbortSignal): Promise<Response> {
    return this.#exchange.open(ask, signal);
  }

  /** The client that users have, which takes a decision only with a receipt of these keys. */
  clientThatTrusts(authorityKey: string): MachineID {
    const { url: baseUrl, key: orgKey, timeoutMs } = this.#options;
    return new MachineID({ baseUrl, orgKey, authorityKey, timeoutMs, allowInsecureHttp: true });
  }

  /** Performs an operation; with the org's key unless another is given. */
  do(operation: Operation, body?: unknown, key?: string): Promise<Heard> {
    const { method, path } = ROUTES[operation];
    return this.ask({ method, path, body, ...(key === undefined ? {} : { key }) });
  }

  /** Performs an operation of the administrator's. */
  doAsAdmin(operation: Operation, body?: unknown): Promise<Heard> {
    const { method, path } = ROUTES[operation];
    const headers = { [ADMIN_KEY_HEADER]: this.#options.adminKey ?? "" };
    return this.ask({ method, path, body, key: null, headers });
  }

  /** What `meta` says the authority can do; nothing where there is no `meta`. */
  features(): Promise<readonly string[]> {
    return (this.#features ??= this.do("meta").then(({ status, json }) => {
      const { features } = json;
      return status === 200 && Array.isArray(features) ? features.map(String) : [];
    }));
  }

  /** A device id that nobody else uses, and that is removed in the end. */
  newDevice(key = this.#options.key): string {
    const deviceId = `conformance:${this.#run}:${(this.#made += 1)}`;
    this.remember(deviceId, key);
    return deviceId;
  }

  /** Sees to it that a device is removed in the end. */
  remember(deviceId: string, key = this.#options.key): void {
    const devices = this.#devices.get(key) ?? new Set();
    this.#devices.set(key, devices.add(deviceId));
  }

  /** A device that is registered. @throws Violation when it cannot be made */
  async registered(key = this.#options.key): Promise<string> {
    const deviceId = this.newDevice(key);
    await this.register(deviceId, key);
    return deviceId;
  }

  /** @throws Violation when the device is not registered afterwards */
  async register(deviceId: string, key?: string): Promise<void> {
    const { status, json } = await this.do("register", { deviceId }, key);
    const verdict = readRegistration(status, json);
    if (verdict.outcome === "allowed") return;
    throw new Violation(
      verdict.code === "DEVICE_LIMIT_REACHED"
        ? "the org has no free place for a device of this kit: it needs two"
        : `a device could not be registered to look at this: ${status} ${seen(json)}`,
    );
  }

  /** @throws Violation when the operation does not answer that it is done */
  async change(operation: Operation, deviceId: string, key?: string): Promise<Heard> {
    const heard = await this.do(operation, { deviceId }, key);
    if (heard.status === 200) return heard;
    throw new Violation(`${operation} answered ${heard.status} ${seen(heard.json)}`);
  }

  /** What the authority decides of a device, as a client reads it. */
  async verdict(deviceId: string, key?: string): Promise<Verdict> {
    const { status, json } = await this.do("validate", { deviceId }, key);
    return readDecision(status, json, deviceId);
  }

  /**
   * An org of the kit's own, the same for the same name, with this plan.
   *
   * @throws NotOffered without an administrator's key
   */
  async ownOrg(name: "first" | "second", plan: number | "unlimited"): Promise<OwnOrg> {
    if (!this.hasAdmin) throw new NotOffered("it needs the administrator's key");
    let org = this.#orgs.get(name);
    if (org === undefined) {
      const { status, json } = await this.doAsAdmin("createOrg", {
        name: `conformance ${this.#run} ${name}`,
        plan,
      });
      const { orgApiKey: key, orgId } = json;
      if (status !== 200 || typeof key !== "string" || typeof orgId !== "string") {
        throw new Violation(`an org could not be made to look at this: ${status}`);
      }
      org = { key, orgId };
      this.#orgs.set(name, org);
    }
    await this.plan(org, { plan, planState: "active", accessUntil: null });
    return org;
  }

  /** Changes the plan of an org of the kit's own. @throws Violation */
  async plan({ orgId }: OwnOrg, change: Readonly<Record<string, unknown>>): Promise<void> {
    const { status, json } = await this.doAsAdmin("setOrgPlan", { orgId, ...change });
    if (status !== 200) throw new Violation(`org/plan answered ${status} ${seen(json)}`);
  }

  /** Removes every device that was made. Answers those that are still there. */
  async removeDevices(): Promise<readonly string[]> {
    const left: string[] = [];
    for (const [key, devices] of this.#devices) {
      for (const deviceId of devices) {
        const status = await this.do("remove", { deviceId }, key).then(
          (heard) => heard.status,
          () => 0,
        );
        if (status === 200 || status === 404) devices.delete(deviceId);
        else left.push(deviceId);
      }
    }
    return left;
  }

  /** Shuts the orgs that were made, which the API cannot remove. Answers their ids. */
  async shutOrgs(): Promise<readonly string[]> {
    const orgs = [...this.#orgs.values()];
    for (const org of orgs) {
      await this.plan(org, { plan: 0, planState: "inactive" }).catch(() => undefined);
    }
    return orgs.map(({ orgId }) => orgId);
  }
}
